import { exactly, forms, lineOfText, listOf } from '../../federation/index.ts'
import type { Form } from '../../federation/index.ts'
import { multiaddrProblem } from './address.ts'

const MAX_PEERS = 1024
const MAX_ADDRESSES = 16
const MAX_NOTE_BYTES = 256
const MAX_PATH_BYTES = 4096

/** An entry of `federation.peers`. What is wrong with a treaty of its own is told when it is read. */
export interface ConfiguredPeer {
  /** The hub id. */
  readonly hub: string
  /** Where it can be dialled; default: nowhere. */
  readonly addresses?: readonly string[]
  /** A treaty, or the path of its file; default: the least. */
  readonly treaty?: object | string
  readonly note?: string
}

const address: Form<string> = (value, path, tell) => {
  const problem = typeof value === 'string' ? multiaddrProblem(value) : 'not a multiaddr'
  if (problem !== undefined) tell(path, problem)
  return value as string
}

const treaty: Form<object | string> = (value, path, tell) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  if (typeof value === 'string' && value !== '') return lineOfText(MAX_PATH_BYTES)(value, path, tell)
  tell(path, 'neither a table nor the path of a file')
  return undefined
}

const peers = listOf(
  exactly(
    { hub: forms.hub },
    { addresses: listOf(address, MAX_ADDRESSES), treaty, note: lineOfText(MAX_NOTE_BYTES) }
  ),
  MAX_PEERS
)

/** The value of `federation.peers`, each hub once. */
export const configuredPeers: Form<readonly ConfiguredPeer[]> = (value, path, tell) => {
  const read = peers(value, path, tell)
  const seen = new Set<unknown>()
  for (const [n, { hub } = {}] of (read ?? []).entries()) {
    if (hub !== undefined && seen.has(hub)) tell(`${path}[${n}].hub`, 'stands there already')
    seen.add(hub)
  }
  return read
}
