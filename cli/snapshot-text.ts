import { existsSync } from 'node:fs'
import type { SealTrust, SealVerdict } from '../node/index.ts'
import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { readConfigFile } from './config-file.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { dateText } from './moment.ts'
import { bytesText } from './quantity.ts'
import { facts, printable } from './terminal.ts'

/** A snapshot as the node's operator sees it. */
export interface SnapshotRow {
  readonly hub: string
  readonly seq: number
  readonly created: number
  readonly expires: number
  readonly cid: string
  readonly bytes: number
  readonly folder: string
}

export const KEY_OPTION = {
  name: 'key',
  value: 'HUB_OR_KEY',
  summary: 'whom you trust: a hub id, or a minisign public key or its file',
  isRequired: true,
  completes: 'file'
} as const satisfies Option

export const HUB_FILE_OPTION: Option = {
  name: 'hub-file',
  value: 'FILE',
  summary: 'what key export prints at that hub now: keys it has revoked since, hub ids of before',
  completes: 'file'
}

export const snapshotText = (
  row: SnapshotRow,
  verdict: string | undefined,
  { terminal }: Invocation
): string =>
  facts(
    [
      ['snapshot', row.seq],
      ['hub', row.hub],
      ['made', dateText(row.created)],
      ['good until', dateText(row.expires)],
      ['package', `${row.cid}, ${bytesText(row.bytes)}`],
      ['folder', printable(row.folder, 4096)],
      ['taken as', verdict]
    ],
    terminal
  )

/** Whom the options of a command name. */
export async function trustOf(invocation: Invocation, nowS: number): Promise<SealTrust> {
  const given = invocation.neededOption(KEY_OPTION)
  const key = existsSync(given) ? (await readConfigFile(given, 'a minisign public key')).text : given
  const path = invocation.option(HUB_FILE_OPTION.name)
  if (path === undefined) return { key, nowS }
  const { text } = await readConfigFile(path, 'the file that key export printed')
  const { parseHubFile } = await import('../node/index.ts')
  try {
    return { key, nowS, hubFile: parseHubFile(text) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CommandError(EXIT.badInput, `${path}: ${error.message}`, { cause: error })
  }
}

/** Prints what a folder proved; a refusal ends with its name and exit 1. */
export function showVerdict(invocation: Invocation, folder: string, verdict: SealVerdict): number {
  const { ok, refusal, about = '' } = verdict
  if (!ok && !invocation.isJson)
    throw new CommandError(EXIT.failed, `${folder}: ${refusal}: ${printable(about, 300)}`)
  const {
    type,
    generated_at_utc: at,
    count,
    bytes,
    root,
    key_id,
    trusted_comment,
    hub,
    seq,
    expires
  } = verdict
  invocation.show(verdict, () =>
    facts(
      [
        ['type', type],
        ['sealed at', at],
        ['files', `${count}, ${bytesText(bytes ?? 0)}`],
        ['root', root],
        ['key id', key_id],
        ['comment', printable(trusted_comment ?? '', 300)],
        ['hub', hub],
        ['snapshot', seq],
        ['good until', expires === undefined ? undefined : dateText(expires)],
        ['verdict', invocation.terminal.style('green', 'whole')]
      ],
      invocation.terminal
    )
  )
  return ok ? EXIT.ok : EXIT.failed
}
