import type { AuditClient } from '../node/index.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { printable } from './terminal.ts'

const LF = 10
/** Twice what an entry may have. */
const MAX_LINE_BYTES = 32_768

/** The lines of entries `from` to before `to`, without line feeds, as they come. */
export async function* auditLines(
  audit: AuditClient,
  from: number,
  to?: number
): AsyncGenerator<string, void> {
  const { body } = await audit.log.entries({ from, ...(to !== undefined && { to }) })
  let begun: Uint8Array = Buffer.alloc(0)
  for await (const piece of body) {
    const bytes = Buffer.concat([begun, piece])
    const end = bytes.lastIndexOf(LF) + 1
    begun = bytes.subarray(end)
    if (begun.length > MAX_LINE_BYTES)
      throw new CommandError(EXIT.failed, 'what came is no audit log; see: audit verify')
    if (end > 0) yield* bytes.toString('utf8', 0, end - 1).split('\n')
  }
}

/** An entry in one line for people. */
export function entryText(line: string): string {
  const { seq, ts, type, actor, subject, decision, data } = JSON.parse(line) as Readonly<
    Record<string, string | number>
  >
  const words = Object.entries((data ?? {}) as unknown as Record<string, unknown>).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  )
  const shown = [
    String(seq).padStart(6),
    new Date(Number(ts)).toISOString(),
    String(type).padEnd(13),
    String(actor).padEnd(5),
    String(subject),
    String(decision ?? ''),
    words.join(' ')
  ]
  return printable(shown.filter(word => word !== '').join('  '), 20_000)
}

/** An option that is a sequence or a number of entries. @throws CommandError `usage` */
export function countOption(invocation: Invocation, name: string): number | undefined {
  const given = invocation.option(name)
  return given === undefined ? undefined : readCount(`--${name} ${given}`, given)
}

/** @throws CommandError `usage` */
export function readCount(what: string, given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw new CommandError(EXIT.usage, `${what}: write a whole number, as in 42`)
}
