import type { Command } from '../command.ts'
import { auditCheckpoint } from './audit-checkpoint.ts'
import { auditCosigned } from './audit-cosigned.ts'
import { auditExport } from './audit-export.ts'
import { auditProve } from './audit-prove.ts'
import { auditTail } from './audit-tail.ts'
import { auditVerify } from './audit-verify.ts'
import { backup } from './backup.ts'
import { blobAdd } from './blob-add.ts'
import { blobFsck } from './blob-fsck.ts'
import { blobGet } from './blob-get.ts'
import { blobHas } from './blob-has.ts'
import { blobLs } from './blob-ls.ts'
import { blobPin } from './blob-pin.ts'
import { blobProviders } from './blob-providers.ts'
import { blobRm } from './blob-rm.ts'
import { blobScrub } from './blob-scrub.ts'
import { blobStat } from './blob-stat.ts'
import { blobUnpin } from './blob-unpin.ts'
import { capAttenuate } from './cap-attenuate.ts'
import { capExchange } from './cap-exchange.ts'
import { capInspect } from './cap-inspect.ts'
import { capList } from './cap-list.ts'
import { capMint } from './cap-mint.ts'
import { capRevoke } from './cap-revoke.ts'
import { capRotate } from './cap-rotate.ts'
import { capVerify } from './cap-verify.ts'
import { clientInit } from './client-init.ts'
import { completion } from './completion.ts'
import { configCheck } from './config-check.ts'
import { conformance } from './conformance.ts'
import { dhtFind } from './dht-find.ts'
import { dhtPeers } from './dht-peers.ts'
import { dhtStats } from './dht-stats.ts'
import { echo } from './echo.ts'
import { federationQuarantine } from './federation-quarantine.ts'
import { equivocationList } from './equivocation-list.ts'
import { equivocationShow } from './equivocation-show.ts'
import { equivocationVerify } from './equivocation-verify.ts'
import { federationStatus } from './federation-status.ts'
import { frameDecode } from './frame-decode.ts'
import { hello } from './hello.ts'
import { init } from './init.ts'
import { keyDelegate } from './key-delegate.ts'
import { keyExport } from './key-export.ts'
import { keyPassword } from './key-password.ts'
import { keyRevoke } from './key-revoke.ts'
import { keyRotate } from './key-rotate.ts'
import { keyShow } from './key-show.ts'
import { keySucceed } from './key-succeed.ts'
import { mailboxDlq } from './mailbox-dlq.ts'
import { mailboxExport } from './mailbox-export.ts'
import { mailboxFsck } from './mailbox-fsck.ts'
import { mailboxImport } from './mailbox-import.ts'
import { mailboxPeek } from './mailbox-peek.ts'
import { mailboxRecv } from './mailbox-recv.ts'
import { mailboxSend } from './mailbox-send.ts'
import { mailboxStats } from './mailbox-stats.ts'
import { mailboxSubscribe } from './mailbox-subscribe.ts'
import { peerAccept } from './peer-accept.ts'
import { peerAdd } from './peer-add.ts'
import { peerConfirm } from './peer-confirm.ts'
import { peerEdit } from './peer-edit.ts'
import { peerImport } from './peer-import.ts'
import { peerInvite } from './peer-invite.ts'
import { peerList } from './peer-list.ts'
import { peerRelease } from './peer-release.ts'
import { peerForget } from './peer-forget.ts'
import { peerRemove } from './peer-remove.ts'
import { peerShow } from './peer-show.ts'
import { peerSucceed } from './peer-succeed.ts'
import { policyCheck } from './policy-check.ts'
import { policyExplain } from './policy-explain.ts'
import { policyShow } from './policy-show.ts'
import { receiptVerify } from './receipt-verify.ts'
import { registryCheck } from './registry-check.ts'
import { restore } from './restore.ts'
import { sealVerify } from './seal-verify.ts'
import { snapshotFetch } from './snapshot-fetch.ts'
import { snapshotList } from './snapshot-list.ts'
import { snapshotMake } from './snapshot-make.ts'
import { snapshotVerify } from './snapshot-verify.ts'
import { start } from './start.ts'
import { status } from './status.ts'
import { tenantAdd } from './tenant-add.ts'
import { tenantLimit } from './tenant-limit.ts'
import { tenantList } from './tenant-list.ts'
import { tenantRemove } from './tenant-remove.ts'
import { tenantShow } from './tenant-show.ts'
import { treatyCheck } from './treaty-check.ts'
import { treatyEdit } from './treaty-edit.ts'
import { treatyShow } from './treaty-show.ts'
import { whoami } from './whoami.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  init,
  start,
  status,
  hello,
  echo,
  clientInit,
  whoami,
  capMint,
  capAttenuate,
  capExchange,
  capInspect,
  capVerify,
  capRotate,
  capRevoke,
  capList,
  tenantAdd,
  tenantList,
  tenantShow,
  tenantLimit,
  tenantRemove,
  peerInvite,
  peerAccept,
  peerConfirm,
  peerList,
  peerShow,
  peerAdd,
  peerEdit,
  peerRemove,
  peerForget,
  peerImport,
  peerSucceed,
  peerRelease,
  treatyShow,
  treatyEdit,
  treatyCheck,
  federationStatus,
  federationQuarantine,
  policyShow,
  policyCheck,
  policyExplain,
  snapshotMake,
  snapshotList,
  snapshotFetch,
  snapshotVerify,
  sealVerify,
  equivocationList,
  equivocationShow,
  equivocationVerify,
  mailboxSend,
  mailboxRecv,
  mailboxSubscribe,
  mailboxPeek,
  mailboxStats,
  mailboxDlq,
  mailboxFsck,
  mailboxExport,
  mailboxImport,
  blobAdd,
  blobGet,
  blobHas,
  blobProviders,
  blobLs,
  blobStat,
  blobRm,
  blobPin,
  blobUnpin,
  blobFsck,
  blobScrub,
  dhtFind,
  dhtPeers,
  dhtStats,
  auditTail,
  auditExport,
  auditVerify,
  auditProve,
  auditCheckpoint,
  auditCosigned,
  backup,
  restore,
  keyShow,
  keyRotate,
  keyDelegate,
  keyRevoke,
  keyPassword,
  keyExport,
  keySucceed,
  configCheck,
  frameDecode,
  conformance,
  receiptVerify,
  registryCheck,
  completion
]
