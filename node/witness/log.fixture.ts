import {
  consistencyProof,
  delegateLog,
  formatLogDelegation,
  formatVerifierKey,
  hubId,
  leafHash,
  nodeHash,
  noteKey,
  publicBytes,
  rootOf,
  signCheckpoint,
  signingKey
} from '../../federation/index.ts'
import type { NodeReader, WitnessAsked } from '../../federation/index.ts'

const HUB_KEY = signingKey(new Uint8Array(32).fill(1))
const LOG_KEY = signingKey(new Uint8Array(32).fill(40))

/** The hub whose logs these are. */
export const logHub = { id: hubId(publicBytes(HUB_KEY)), key: HUB_KEY }

/** A log in memory of texts. */
export function logOf(leaves: readonly string[], { id = '00112233445566aa' } = {}) {
  const origin = `${logHub.id}/main/${id}`
  const hashes = leaves.map(leaf => leafHash(Buffer.from(leaf)))
  const node: NodeReader = (level, index) =>
    level === 0 ? hashes[index]! : nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
  const statement = {
    hub: logHub.id,
    issued_s: 1_795_000_000,
    key: formatVerifierKey(noteKey(origin, publicBytes(LOG_KEY))),
    role: 'audit-log'
  } as const
  const delegation = formatLogDelegation(delegateLog(HUB_KEY, statement)).trimEnd()
  const root = (size: number): Uint8Array => rootOf(size, node)
  return {
    origin,
    delegation,
    root,
    note: (size: number): string => signCheckpoint({ origin, size, root: root(size) }, LOG_KEY),
    asks(old: number, size: number): WitnessAsked {
      const request = { old, hashes: consistencyProof(old, size, node), note: this.note(size) }
      return { hub: logHub.id, request, oldRoot: root(old), delegation }
    }
  }
}

/** So many leaves; those from `fork` on are of the other branch. */
export const leavesOf = (count: number, fork = count): string[] =>
  Array.from({ length: count }, (_, n) => (n < fork ? `entry ${n}` : `other ${n}`))
