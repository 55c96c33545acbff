/** Why a seal or a snapshot is refused. @see specs/federation-snapshots.md, section 6 */
export const SNAPSHOT_REFUSALS = [
  'too_large',
  'malformed',
  'path',
  'duplicate',
  'count',
  'root',
  'not_a_file',
  'missing',
  'extra',
  'changed',
  'manifest',
  'signature',
  'hub',
  'key',
  'time',
  'revoked',
  'future',
  'expired',
  'rollback',
  'split',
  'wrong_chain'
] as const
export type SnapshotRefusal = (typeof SNAPSHOT_REFUSALS)[number]

/** A refusal; `about` names what it is about, for people. */
export interface SnapshotProblem {
  readonly why: SnapshotRefusal
  readonly about: string
}

export type Judged<T> = { readonly value: T } | SnapshotProblem

export const refused = (why: SnapshotRefusal, about: string): SnapshotProblem => ({ why, about })

export const isRefused = (judged: Judged<unknown>): judged is SnapshotProblem => 'why' in judged
