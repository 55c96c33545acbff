export { createNode } from './node.ts'
export type { NodeOptions, OmnigateNode } from './node.ts'
export type { NodeStatus } from './status.ts'
export { ConfigError, configSchema, defaultConfigText, explainConfig, loadConfig } from './config/index.ts'
export type { Config, ConfigRow, ConfigSources, LoadedConfig } from './config/index.ts'
export {
  AuditLog,
  AuditNames,
  AuditRecorder,
  addLogDelegation,
  auditOver,
  createLogFolder,
  auditEvent,
  exportProof,
  isConsistent,
  leafHash,
  openCheckpoint,
  parseCheckpoint,
  parseEntry,
  parseNote,
  parseVerifierKey,
  rootFromInclusion,
  rootFromRange,
  startUpkeep,
  verifyAudit
} from './audit/index.ts'
export type * from './audit/index.ts'
export { checkReceiptFile } from './receipt-check.ts'
export type { CheckedReceipt, ReceiptTrust } from './receipt-check.ts'
export { policyAt, readPolicyFile } from './policy/index.ts'
export { policyHash } from '../federation/index.ts'
export type { Decision, DecisionRecord, Evidence, Policy } from '../federation/index.ts'
export { configuredHubs, readTreatyDocument, treatyText, treatyValue } from './allowlist/index.ts'
export type { FederationClient } from './allowlist/index.ts'
export type { Difference } from '../federation/index.ts'
export { stoppedFederation } from './start/stopped-allowlist.ts'
export { restoreBackup, writeBackup } from './backup/index.ts'
export type { Backup, BackupSources, Restored } from './backup/index.ts'
export { connectAdmin } from './admin/admin-client.ts'
export type { AdminClient, AuditClient } from './admin/admin-client.ts'
export { directAudit, openStopped } from './start/stopped.ts'
export type { StoppedHub, StoppedHubOptions } from './start/stopped.ts'
export { examine } from './doctor/index.ts'
export type { Finding, Patient, Standing } from './doctor/index.ts'
export { hardenFolder } from './start/hardening.ts'
export type { Hardened, HardeningSources } from './start/hardening.ts'
export { tokenKeeper } from './start/tokens.ts'
export type { TokenKeeper } from './start/tokens.ts'
export type { StaticToken, TokenRole } from './ams/access/index.ts'
export { fsckStoppedBlobs, scrubStoppedBlobs } from './start/stopped-blobs.ts'
export type {
  BlobFsckOptions,
  BlobFsckReport,
  BlobProblem,
  BlobProblemKind,
  BlockId,
  ScrubFinding,
  ScrubProgress,
  ScrubReport
} from './stores/blobs/index.ts'
export { openStoppedMailbox } from './start/stopped-mailbox.ts'
export type { StoppedMailbox } from './start/stopped-mailbox.ts'
export { exportMailbox, fsckMailbox, importMailbox, readExport } from './stores/mailbox/index.ts'
export type {
  Exported,
  FsckOptions,
  FsckReport,
  Imported,
  Problem,
  ProblemKind,
  TransferOptions
} from './stores/mailbox/index.ts'
export { FIRST_TENANT, directClient } from './capabilities/index.ts'
export type { CapabilityClient } from './capabilities/index.ts'
export { checkDataFolder, dataFolderPaths, openDataFolder } from './data-folder.ts'
export { createFile, readSecretFile, replaceFile } from './durable-file.ts'
export { ROLES, formatDelegation, peerPublicKey } from '../federation/index.ts'
export type { Delegation, DelegationStatement, KeyRevocationStatement, Role } from '../federation/index.ts'
export { hubKeyPath, openSecretKey } from './hub-key.ts'
export type { HubKeyGiven, HubKeyPlace } from './hub-key.ts'
export {
  OWN_KEY_ROLES,
  changePassword,
  delegateOther,
  delegateOwn,
  formatHubFile,
  hubFileOf,
  keyOverview,
  openKeys,
  parseHubFile,
  revokeNodeKey,
  rotateNodeKey,
  rotateRoleKey,
  succeedHub
} from './identity/index.ts'
export type * from './identity/index.ts'
export { initKeys, loadKeys } from './keys.ts'
export type { NodeKeys } from './keys.ts'
export { verifySeal, verifySnapshot } from './snapshots/index.ts'
export type { SealTrust, SealVerdict, SnapshotTrust } from './snapshots/index.ts'
export { takeLock } from './folder-lock.ts'
export { EXIT, SetupError, systemError } from './setup-error.ts'
export type { ExitName } from './setup-error.ts'
export { echo } from './handlers/echo.ts'
export { nodeMacaroonCrypto } from './macaroon-crypto.ts'
export { nodePlatform } from './platform.ts'
export { MinisignError, generateMinisign, parsePublicKey, verifyFile } from './minisign.ts'
export type { MinisignSecretFile } from './minisign.ts'
export { VERSION } from './version.ts'
export { equivocationId } from '../federation/index.ts'
export { judgeProofLine, verifyCosigned } from './witness/index.ts'
export type { CosignedVerdict } from './witness/index.ts'
