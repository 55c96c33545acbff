import type { Command, CommandBody, CommandRow } from '../command.ts'

// Nothing here may import a command otherwise: the table is read by every start of the program.
/** All commands, in the order of the help. What a command takes and does is loaded with it. */
export const COMMANDS: readonly CommandRow[] = [
  row('init', 'make a data folder with new keys and a commented omnigate.toml', () =>
    import('./init.ts').then(of => of.init)
  ),
  row('start', 'run a node until SIGINT (Ctrl-C) or SIGTERM', () =>
    import('./start.ts').then(of => of.start)
  ),
  row('status', 'ask the running node of a data folder how it is', () =>
    import('./status.ts').then(of => of.status)
  ),
  row('hello', 'connect to a node and print what its HELLO says', () =>
    import('./hello.ts').then(of => of.hello)
  ),
  row('echo', 'send a text or a file to a node and check that it comes back as it was', () =>
    import('./echo.ts').then(of => of.echo)
  ),
  row('client init', 'make the key by which nodes know this client', () =>
    import('./client-init.ts').then(of => of.clientInit)
  ),
  row('whoami', 'print the peer id of this client', () => import('./whoami.ts').then(of => of.whoami)),
  row('cap mint', 'make a capability: the right to call some verbs, as a token', () =>
    import('./cap-mint.ts').then(of => of.capMint)
  ),
  row('cap attenuate', 'narrow a token that you hold, without its hub and without a network', () =>
    import('./cap-attenuate.ts').then(of => of.capAttenuate)
  ),
  row('cap exchange', 'get a token of a linked hub for a capability of this one', () =>
    import('./cap-exchange.ts').then(of => of.capExchange)
  ),
  row('cap inspect', 'print what a token says, without proving it', () =>
    import('./cap-inspect.ts').then(of => of.capInspect)
  ),
  row('cap verify', 'say whether a token allows a call, or which restriction does not', () =>
    import('./cap-verify.ts').then(of => of.capVerify)
  ),
  row('cap rotate', 'put a new key in the place of the one that mints, or that revokes', () =>
    import('./cap-rotate.ts').then(of => of.capRotate)
  ),
  row('cap revoke', 'take capabilities back for ever, with all that was narrowed or renewed from them', () =>
    import('./cap-revoke.ts').then(of => of.capRevoke)
  ),
  row('cap list', 'list the capabilities that have not expired, the one that ends first first', () =>
    import('./cap-list.ts').then(of => of.capList)
  ),
  row('token add', 'make a token of the HTTP surface, and print it once', () =>
    import('./token-add.ts').then(of => of.tokenAdd)
  ),
  row('token list', 'list the tokens of the HTTP surface, by name and digest', () =>
    import('./token-list.ts').then(of => of.tokenList)
  ),
  row('token remove', 'end a token of the HTTP surface', () =>
    import('./token-remove.ts').then(of => of.tokenRemove)
  ),
  row('ams', 'decide of what others have posted over HTTP', () => import('./ams.ts').then(of => of.ams)),
  row('doctor', 'look at a node, and say what is wrong and how to mend it', () =>
    import('./doctor.ts').then(of => of.doctor)
  ),
  row('harden', 'let nobody write over HTTP without a token', () =>
    import('./harden.ts').then(of => of.harden)
  ),
  row('tenant add', 'add a tenant, whose data this hub will serve', () =>
    import('./tenant-add.ts').then(of => of.tenantAdd)
  ),
  row('tenant list', 'list the tenants of a hub, those that were removed included', () =>
    import('./tenant-list.ts').then(of => of.tenantList)
  ),
  row('tenant show', 'print what is known of a tenant, and what it may spend', () =>
    import('./tenant-show.ts').then(of => of.tenantShow)
  ),
  row('tenant limit', 'change what a tenant may spend', () =>
    import('./tenant-limit.ts').then(of => of.tenantLimit)
  ),
  row('tenant remove', 'refuse every token of a tenant from now on', () =>
    import('./tenant-remove.ts').then(of => of.tenantRemove)
  ),
  row('peer invite', 'invite another hub to federate with this one, and confirm it', () =>
    import('./peer-invite.ts').then(of => of.peerInvite)
  ),
  row('peer accept', 'pair with the hub that made an invite, and confirm it', () =>
    import('./peer-accept.ts').then(of => of.peerAccept)
  ),
  row('peer confirm', 'confirm or decline a pairing that waits, or print those that wait', () =>
    import('./peer-confirm.ts').then(of => of.peerConfirm)
  ),
  row('peer list', 'list the hubs that may federate with this one', () =>
    import('./peer-list.ts').then(of => of.peerList)
  ),
  row('peer show', 'print what is known of a hub on the allowlist, and how its link is', () =>
    import('./peer-show.ts').then(of => of.peerShow)
  ),
  row('peer add', 'allow another hub to federate with this one', () =>
    import('./peer-add.ts').then(of => of.peerAdd)
  ),
  row('peer edit', 'change where a hub on the allowlist is dialled, or the note about it', () =>
    import('./peer-edit.ts').then(of => of.peerEdit)
  ),
  row('peer remove', 'allow a hub no more: its link and its calls end at once', () =>
    import('./peer-remove.ts').then(of => of.peerRemove)
  ),
  row(
    'peer forget',
    'forget what is held of a hub: its snapshots, or the logs that this node has witnessed',
    () => import('./peer-forget.ts').then(of => of.peerForget)
  ),
  row('peer import', 'take what another hub has signed about its keys, from a file of its operator', () =>
    import('./peer-import.ts').then(of => of.peerImport)
  ),
  row('peer succeed', 'confirm that a hub on the allowlist goes on under another hub id', () =>
    import('./peer-succeed.ts').then(of => of.peerSucceed)
  ),
  row('peer release', 'end the quarantine of a hub that said two things', () =>
    import('./peer-release.ts').then(of => of.peerRelease)
  ),
  row('treaty show', 'print what a hub on the allowlist may do here', () =>
    import('./treaty-show.ts').then(of => of.treatyShow)
  ),
  row('treaty edit', 'change what a hub on the allowlist may do here', () =>
    import('./treaty-edit.ts').then(of => of.treatyEdit)
  ),
  row('treaty check', 'say all that is wrong with a treaty in a file, before it is used', () =>
    import('./treaty-check.ts').then(of => of.treatyCheck)
  ),
  row('federation status', 'print how this hub stands with the hubs that it chose', () =>
    import('./federation-status.ts').then(of => of.federationStatus)
  ),
  row(
    'federation quarantine',
    'list the messages of other hubs that wait for you, release or reject one',
    () => import('./federation-quarantine.ts').then(of => of.federationQuarantine)
  ),
  row('policy show', 'print the acceptance policy that is in force', () =>
    import('./policy-show.ts').then(of => of.policyShow)
  ),
  row('policy check', 'say all that is wrong with an acceptance policy in a file, before it is used', () =>
    import('./policy-check.ts').then(of => of.policyCheck)
  ),
  row('policy explain', 'say how a message of another hub came to its verdict', () =>
    import('./policy-explain.ts').then(of => of.policyExplain)
  ),
  row('snapshot make', 'sign and seal what this hub knows at the moment', () =>
    import('./snapshot-make.ts').then(of => of.snapshotMake)
  ),
  row('snapshot list', 'list the snapshots that a node keeps', () =>
    import('./snapshot-list.ts').then(of => of.snapshotList)
  ),
  row('snapshot fetch', 'get the newest snapshot of a linked hub, and keep it once it was verified', () =>
    import('./snapshot-fetch.ts').then(of => of.snapshotFetch)
  ),
  row(
    'snapshot verify',
    'check the sealed folder of a snapshot, its time, and that it goes on from an earlier one',
    () => import('./snapshot-verify.ts').then(of => of.snapshotVerify)
  ),
  row('seal verify', 'check that a sealed folder is whole, and who sealed it', () =>
    import('./seal-verify.ts').then(of => of.sealVerify)
  ),
  row('equivocation list', 'list the proofs that hubs said two things', () =>
    import('./equivocation-list.ts').then(of => of.equivocationList)
  ),
  row('equivocation show', 'print a proof that a hub said two things', () =>
    import('./equivocation-show.ts').then(of => of.equivocationShow)
  ),
  row('equivocation verify', 'judge a proof that a hub said two things', () =>
    import('./equivocation-verify.ts').then(of => of.equivocationVerify)
  ),
  row('mailbox send', 'send messages to a topic of the mailbox', () =>
    import('./mailbox-send.ts').then(of => of.mailboxSend)
  ),
  row('mailbox recv', 'receive messages of a topic, print and acknowledge them', () =>
    import('./mailbox-recv.ts').then(of => of.mailboxRecv)
  ),
  row('mailbox subscribe', 'print messages of a topic as they come, and acknowledge them', () =>
    import('./mailbox-subscribe.ts').then(of => of.mailboxSubscribe)
  ),
  row('mailbox peek', 'print messages that wait in a topic, and leave them there', () =>
    import('./mailbox-peek.ts').then(of => of.mailboxPeek)
  ),
  row('mailbox stats', 'print what a topic of the mailbox holds', () =>
    import('./mailbox-stats.ts').then(of => of.mailboxStats)
  ),
  row('mailbox dlq', 'list the dead letters of a topic, make them messages again, or remove them', () =>
    import('./mailbox-dlq.ts').then(of => of.mailboxDlq)
  ),
  row('mailbox fsck', 'check every record and index of the mailbox of a stopped node', () =>
    import('./mailbox-fsck.ts').then(of => of.mailboxFsck)
  ),
  row('mailbox export', 'write all messages of a stopped node to a file', () =>
    import('./mailbox-export.ts').then(of => of.mailboxExport)
  ),
  row('mailbox import', 'put exported messages into the mailbox of a stopped node', () =>
    import('./mailbox-import.ts').then(of => of.mailboxImport)
  ),
  row('blob add', 'store a file by the hash of its content', () =>
    import('./blob-add.ts').then(of => of.blobAdd)
  ),
  row('blob get', 'get a blob, each block of it proved here', () =>
    import('./blob-get.ts').then(of => of.blobGet)
  ),
  row('blob has', 'ask whether a node has a blob', () => import('./blob-has.ts').then(of => of.blobHas)),
  row('blob providers', 'ask a node who has a blob', () =>
    import('./blob-providers.ts').then(of => of.blobProviders)
  ),
  row('blob ls', 'list the blobs of a tenant', () => import('./blob-ls.ts').then(of => of.blobLs)),
  row('blob stat', 'print what is kept of a blob, and what the tenant has in all', () =>
    import('./blob-stat.ts').then(of => of.blobStat)
  ),
  row('blob rm', 'take a blob away', () => import('./blob-rm.ts').then(of => of.blobRm)),
  row('blob pin', 'keep a blob until it is unpinned', () => import('./blob-pin.ts').then(of => of.blobPin)),
  row('blob unpin', 'let a blob be removed again', () => import('./blob-unpin.ts').then(of => of.blobUnpin)),
  row('blob fsck', 'check every block and index of the blobs of a stopped node', () =>
    import('./blob-fsck.ts').then(of => of.blobFsck)
  ),
  row('blob scrub', 'hash every stored block, and name those that have rotted', () =>
    import('./blob-scrub.ts').then(of => of.blobScrub)
  ),
  row('dht find', 'find who says to have a blob', () => import('./dht-find.ts').then(of => of.dhtFind)),
  row('dht peers', 'list the peers of the DHT that this node knows', () =>
    import('./dht-peers.ts').then(of => of.dhtPeers)
  ),
  row('dht stats', 'print how the DHT of linked hubs is', () =>
    import('./dht-stats.ts').then(of => of.dhtStats)
  ),
  row('audit tail', 'print the newest entries of the audit log', () =>
    import('./audit-tail.ts').then(of => of.auditTail)
  ),
  row('audit export', 'write entries of the audit log to a file, with what proves them', () =>
    import('./audit-export.ts').then(of => of.auditExport)
  ),
  row('audit verify', 'check an audit log, or entries exported from it, against a public key', () =>
    import('./audit-verify.ts').then(of => of.auditVerify)
  ),
  row('audit prove', 'print the proof that an entry is in the audit log', () =>
    import('./audit-prove.ts').then(of => of.auditProve)
  ),
  row('audit checkpoint', 'print the newest signed head of the audit log', () =>
    import('./audit-checkpoint.ts').then(of => of.auditCheckpoint)
  ),
  row('audit cosigned', 'check who else saw a checkpoint of an audit log', () =>
    import('./audit-cosigned.ts').then(of => of.auditCosigned)
  ),
  row('backup', 'write a copy of a data folder that a hub can be restored from', () =>
    import('./backup.ts').then(of => of.backup)
  ),
  row('restore', 'make a data folder of a backup', () => import('./restore.ts').then(of => of.restore)),
  row(
    'key show',
    'print the public halves of the keys in a data folder, and for what the hub key has signed',
    () => import('./key-show.ts').then(of => of.keyShow)
  ),
  row(
    'key rotate',
    'give a stopped node a new key: its node key, and so a new peer id, or that of another role',
    () => import('./key-rotate.ts').then(of => of.keyRotate)
  ),
  row('key delegate', 'have the hub key sign for a key: of this node, or of another node of the hub', () =>
    import('./key-delegate.ts').then(of => of.keyDelegate)
  ),
  row('key revoke', 'have the hub key say that a key signs for the hub no more, in any role', () =>
    import('./key-revoke.ts').then(of => of.keyRevoke)
  ),
  row('key password', 'put the secret hub key under a password, change it, or take it off', () =>
    import('./key-password.ts').then(of => of.keyPassword)
  ),
  row('key export', 'print all that is public of a hub, as one file for the operators of its peers', () =>
    import('./key-export.ts').then(of => of.keyExport)
  ),
  row('key succeed', 'end a hub, and have it go on under another hub key', () =>
    import('./key-succeed.ts').then(of => of.keySucceed)
  ),
  row('config check', 'check a configuration file and print each effective value with its origin', () =>
    import('./config-check.ts').then(of => of.configCheck)
  ),
  row('frame decode', 'explain OAP/1 frames field by field, or say exactly what is wrong', () =>
    import('./frame-decode.ts').then(of => of.frameDecode)
  ),
  row('conformance', 'play every case of the OAP/1 specification against a node and print a table', () =>
    import('./conformance.ts').then(of => of.conformance)
  ),
  row('receipt verify', 'check a receipt or bounce of a message, and who stands behind it', () =>
    import('./receipt-verify.ts').then(of => of.receiptVerify)
  ),
  row('registry check', 'check a registry of app_proto_ids: form, ranges, signatures, history', () =>
    import('./registry-check.ts').then(of => of.registryCheck)
  ),
  row('completion', 'print a completion script for a shell', () =>
    import('./completion.ts').then(of => of.completion)
  )
]

function row(name: string, summary: string, load: () => Promise<CommandBody>): CommandRow {
  return { name, summary, load: async (): Promise<Command> => ({ name, summary, ...(await load()) }) }
}
