import { HUB, keyOf } from '../keys.fixture.ts'
import {
  type NodeReader,
  consistencyProof,
  delegateLog,
  formatLogDelegation,
  formatVerifierKey,
  leafHash,
  nodeHash,
  noteKey,
  rootOf,
  signCheckpoint
} from '../log/index.ts'
import type { WitnessAsked } from './witnessing.ts'

/** A log in memory of texts, whose hub is `HUB` unless another is given. */
export function logOf(
  leaves: readonly string[],
  { hub = HUB, key = keyOf(40), id = '00112233445566aa' } = {}
) {
  const origin = `${hub.hub}/main/${id}`
  const hashes = leaves.map(leaf => leafHash(Buffer.from(leaf)))
  const node: NodeReader = (level, index) =>
    level === 0 ? hashes[index]! : nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
  const statement = {
    hub: hub.hub,
    issued_s: 1_795_000_000,
    key: formatVerifierKey(noteKey(origin, key.bytes)),
    role: 'audit-log'
  } as const
  const delegation = formatLogDelegation(delegateLog(hub.key, statement)).trimEnd()
  const root = (size: number): Uint8Array => rootOf(size, node)
  return {
    origin,
    delegation,
    root,
    note: (size: number): string => signCheckpoint({ origin, size, root: root(size) }, key.key),
    proof: (from: number, to: number): readonly Uint8Array[] => consistencyProof(from, to, node),
    /** What the log asks of a witness that has seen it at `old`. */
    asks(old: number, size: number): WitnessAsked {
      const request = { old, hashes: consistencyProof(old, size, node), note: this.note(size) }
      return { hub: hub.hub, request, oldRoot: root(old), delegation }
    }
  }
}

/** So many leaves; those from `fork` on are of the other branch. */
export const leavesOf = (count: number, fork = count): string[] =>
  Array.from({ length: count }, (_, n) => (n < fork ? `entry ${n}` : `other ${n}`))
