export { heldOf, succeeding, timeRefusal } from './chain.ts'
export type { HeldSnapshot, Numbered, Succeeding } from './chain.ts'
export { sealSnapshot } from './making.ts'
export type { SealedSnapshot, SnapshotSigner } from './making.ts'
export { SNAPSHOTS } from './numbers.ts'
export { KEYS_FILE, authorityRefusal, openSnapshot } from './opening.ts'
export type { Files, IsSealedBy, OpenedSnapshot } from './opening.ts'
export { formatPackage, parsePackage } from './package.ts'
export { SEAL_FILE, SIGNATURE_FILE, isSealedPath } from './paths.ts'
export { SNAPSHOT_REFUSALS, isRefused } from './refusals.ts'
export type { Judged, SnapshotProblem, SnapshotRefusal } from './refusals.ts'
export { contentProblem, parseSeal, sealOf, sealedItem, utcText } from './seal.ts'
export type { Seal, SealedItem } from './seal.ts'
export { shareHeads } from './share-heads.ts'
export type { SettledSeries } from './share-heads.ts'
export {
  FIRST_PREV,
  SNAPSHOT,
  SNAPSHOT_FILE,
  SNAPSHOT_PLACE,
  SNAPSHOT_TAG,
  nextSeq,
  shareDigest,
  snapshotDigest
} from './snapshot.ts'
export type { ShareHead, Snapshot, SnapshotHeads, SnapshotStatement } from './snapshot.ts'
