import { SNAPSHOTS } from './numbers.ts'
import { type SnapshotProblem, refused } from './refusals.ts'
import type { SnapshotStatement } from './snapshot.ts'

/** A snapshot and its digest. */
export interface Numbered {
  readonly statement: SnapshotStatement
  readonly sha256: string
}

/** What is kept of the newest snapshot of a hub. */
export type HeldSnapshot = {
  /** Of its audit log; none of a node without one. */
  readonly audit?: { readonly origin: string; readonly size: number }
  /** Unix seconds. */
  readonly created: number
  readonly expires: number
  readonly revocations: number
  readonly seq: number
  readonly sha256: string
}

export function heldOf({ statement, sha256 }: Numbered): HeldSnapshot {
  const { created, expires, seq, heads } = statement
  const audit = heads.audit && { origin: heads.audit.origin, size: heads.audit.size }
  return { ...(audit && { audit }), created, expires, revocations: heads.revocation.seq, seq, sha256 }
}

/** How a snapshot stands to the newest one that is held of its hub. */
export type Succeeding =
  | { readonly verdict: 'first' | 'known' | 'next' }
  /** Others lie between, and their chain was not looked at. */
  | { readonly verdict: 'gap' }
  /** The hub goes on from older files with a new audit log: it was restored from a backup. */
  | { readonly verdict: 'restored' }
  | { readonly verdict: 'refused'; readonly refusal: SnapshotProblem }

/** Whether a snapshot holds at a time, in Unix seconds. */
export function timeRefusal(
  { created, expires }: Pick<SnapshotStatement, 'created' | 'expires'>,
  nowS: number
): SnapshotProblem | undefined {
  if (created > nowS + SNAPSHOTS.skewS) return refused('future', `made at ${created}, and it is ${nowS}`)
  return nowS > expires + SNAPSHOTS.skewS
    ? refused('expired', `ended at ${expires}, and it is ${nowS}`)
    : undefined
}

/** How a snapshot goes on from the newest one held of the same hub and node. */
export function succeeding(next: Numbered, held: HeldSnapshot | undefined): Succeeding {
  if (held === undefined) return { verdict: 'first' }
  const [a, b] = [held, next.statement]
  if (b.seq < a.seq) return no('rollback', `number ${b.seq}, and ${a.seq} is known`)
  if (b.seq === a.seq)
    return next.sha256 === held.sha256
      ? { verdict: 'known' }
      : no('split', `another snapshot of number ${b.seq} is known`)
  if (b.prev.seq === a.seq && b.prev.sha256 !== held.sha256)
    return no('wrong_chain', `its prev is not the snapshot ${a.seq} that is known`)
  const isNewLog = a.audit?.origin !== b.heads.audit?.origin
  if (!isNewLog && isBehind(b, a)) return no('rollback', 'its heads are behind those that are known')
  if (b.prev.seq >= a.seq) return { verdict: b.prev.seq === a.seq ? 'next' : 'gap' }
  return isNewLog
    ? { verdict: 'restored' }
    : no('wrong_chain', `goes on from ${b.prev.seq}, and ${a.seq} is known`)
}

/** Within one life of a log neither it nor the revocations become fewer. */
const isBehind = ({ heads }: SnapshotStatement, { audit, revocations }: HeldSnapshot): boolean =>
  (heads.audit?.size ?? 0) < (audit?.size ?? 0) || heads.revocation.seq < revocations

const no = (...[why, about]: Parameters<typeof refused>): Succeeding => ({
  verdict: 'refused',
  refusal: refused(why, about)
})
