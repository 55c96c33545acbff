import type { Caveat } from '../protocols/index.ts'
import type { AskedCaveats } from './caveat-options.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

type Line = readonly [member: keyof AskedCaveats, before: string, after?: string]

const LINES: readonly Line[] = [
  ['verb', 'verb = '],
  ['topic', 'topic = '],
  ['app', 'app = '],
  ['content', 'content = '],
  ['peer', 'peer = '],
  ['not_before', 'not-before > '],
  ['renew_until', 'renew-until < '],
  ['rate', 'rate <= ', '/s'],
  ['streams', 'streams <= '],
  ['max_bytes', 'max-bytes <= ']
]

/** The caveats that a holder adds. @throws CommandError `usage` for one that is of no known form, or for none at all */
export async function narrowing(
  asked: AskedCaveats,
  { nowS, expires }: { readonly nowS: number; readonly expires: number | undefined }
): Promise<readonly Caveat[]> {
  const { parseCaveat } = await import('../protocols/index.ts')
  const lines = LINES.flatMap(([member, before, after = '']) => {
    const value = asked[member]
    return value === undefined ? [] : [[member, `${before}${value}${after}`] as const]
  })
  if (asked.ttl_s !== undefined) lines.push(['ttl_s', `expires < ${nowS + asked.ttl_s}`])
  if (expires !== undefined) lines.push(['ttl_s', `expires < ${expires}`])
  if (asked.read_only === true) lines.push(['read_only', 'read-only'])
  if (lines.length === 0) throw new CommandError(EXIT.usage, 'nothing to add: give at least one restriction')
  return lines.map(([member, line]) => {
    const caveat = parseCaveat(line)
    if (!('unknown' in caveat)) return caveat
    const option = member.replaceAll('_', '-')
    throw new CommandError(EXIT.usage, `--${option}: not of the form that capabilities have for it`)
  })
}
