export { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
export type { Checkpoint } from './checkpoint.ts'
export { cosign, cosignatures, cosigningKey, formatCosigningKey, parseCosigningKey } from './cosignature.ts'
export type { Cosignature } from './cosignature.ts'
export { LOG_DELEGATION_TAG, delegateLog, formatLogDelegation, readLogDelegation } from './log-delegation.ts'
export type { LogDelegation, LogStatement } from './log-delegation.ts'
export {
  EMPTY_ROOT,
  HASH_BYTES,
  MAX_PROOF_HASHES,
  consistencyProof,
  inclusionProof,
  isConsistent,
  isSameHash,
  leafHash,
  nodeHash,
  rangeProof,
  rootFromInclusion,
  rootFromRange,
  rootOf,
  rowRoot,
  sha256
} from './merkle.ts'
export type { NodeReader } from './merkle.ts'
export { parseOrigin } from './origin.ts'
export type { LogOrigin } from './origin.ts'
export {
  NoteError,
  formatVerifierKey,
  noteKey,
  openNote,
  parseNote,
  parseVerifierKey,
  signNote
} from './signed-note.ts'
export type { Note, NoteKey, NoteSignature } from './signed-note.ts'
