export { AuditEvent } from './audit-event.ts'
export type { CallIds } from './audit-event.ts'
export { exportProof } from './audit-export.ts'
export { AuditLog } from './audit-log.ts'
export type { AuditLogOptions, LogExtent, Proof, SegmentLimits } from './audit-log.ts'
export { AuditNames } from './audit-names.ts'
export type { NamedService, Outcome, Tally } from './audit-names.ts'
export { AuditRecorder } from './audit-recorder.ts'
export type { RecorderLimits } from './audit-recorder.ts'
export { commitment } from './commitments.ts'
export { parseEntry } from './entry.ts'
export type { Entry } from './entry.ts'
export { CHECK_PROBLEMS, LINK_ENDS, TOLD, auditEvent } from './events.ts'
export type { EventData, EventType } from './events.ts'
export { addLogDelegation, createLogFolder, logPaths, readLogIdentity } from './log-folder.ts'
export type { NewLog } from './log-folder.ts'
export { TILE_WIDTH, parseTilePath } from './tile.ts'
export { logKeyFor } from './log-key.ts'
export { startUpkeep } from './upkeep.ts'
export type { Upkeep } from './upkeep.ts'
export type { Retention } from './retention.ts'
export { Finding } from './verdict.ts'
export type { AuditFault, AuditProblem, AuditVerdict } from './verdict.ts'
export { verifyAudit } from './verify.ts'
export type { VerifyOptions } from './verify.ts'
export { auditOver } from './audit-service.ts'
export type { ReadableAuditLog } from './audit-service.ts'
export {
  NoteError,
  isConsistent,
  leafHash,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseOrigin,
  parseVerifierKey,
  rootFromInclusion,
  rootFromRange
} from '../../federation/index.ts'
export type { Checkpoint, NoteKey } from '../../federation/index.ts'
