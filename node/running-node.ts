import {
  adminService,
  auditService,
  capabilitiesService,
  federationService,
  mailboxService,
  serviceDirectory,
  storageService
} from '../protocols/index.ts'
import { federationAdmin } from './allowlist/index.ts'
import type { Standing } from './allowlist/index.ts'
import { dhtAdmin } from './blobs/index.ts'
import type { BackupSources } from './backup/index.ts'
import type { Config } from './config/index.ts'
import { echo } from './handlers/echo.ts'
import type { SessionHost } from './listener/session-host.ts'
import type { NodeOptions } from './node-options.ts'
import type { Capabilities } from './capabilities/index.ts'
import { capabilitiesOf } from './capabilities/index.ts'
import { noSources } from './start/audit-admin.ts'
import { auditServices } from './start/audit-service.ts'
import { openAudit } from './start/audit.ts'
import type { NodeAudit } from './start/audit.ts'
import { openAllowlist } from './start/allowlist.ts'
import { openDirected } from './start/directed.ts'
import { openFederation } from './start/federation.ts'
import { openRights } from './start/capabilities.ts'
import { nodeBase } from './start/base.ts'
import type { NodeBase } from './start/base.ts'
import { serveSurface } from './start/http-surface.ts'
import type { HttpServing } from './start/operator.ts'
import { prepareDht } from './start/dht.ts'
import { openExchange } from './start/exchange.ts'
import { readOnly } from './guards/read-only.ts'
import { isMirror, refuseSigningKeys } from './start/mirror.ts'
import { hardenAdmin } from './start/harden-admin.ts'
import type { Hardenable } from './start/harden-admin.ts'
import { openIdentity } from './start/identity.ts'
import { openLinks } from './start/links.ts'
import type { NodeLinks } from './start/links.ts'
import { openPeerKeys } from './start/peer-keys.ts'
import { openPolicy } from './start/policy.ts'
import { openMailbox } from './start/mailbox.ts'
import type { NodeMailbox } from './start/mailbox.ts'
import type { Identity } from './start/identity.ts'
import { operatorService, serveAdmin } from './start/operator.ts'
import { servePeers } from './start/peers.ts'
import { watchPressure } from './start/pressure.ts'
import { recorded } from './start/refused-requests.ts'
import { openSigners } from './start/signers.ts'
import { startSessions } from './start/sessions.ts'
import { openShares } from './start/shares.ts'
import type { NodeShares } from './start/shares.ts'
import { openSharing } from './start/sharing.ts'
import { openSnapshots, settledSeries } from './start/snapshots.ts'
import { openStorage } from './start/storage.ts'
import { openStore } from './start/store.ts'
import { openThreads } from './start/threads.ts'
import { servesAms } from './start/ams.ts'
import { openWitness } from './start/witness.ts'
import { statusOf } from './status.ts'
import type { NodeStatus } from './status.ts'
import { BootStore } from './stores/boot-store.ts'
import type { NodeStore } from './stores/node-store.ts'
import { VERSION } from './version.ts'

/** A node that serves. */
export interface RunningNode {
  readonly capabilities: Capabilities
  stop(): Promise<void>
  status(): NodeStatus
}

/** Builds the parts of a node in order and starts each; what had started is stopped when one fails. */
export async function startNode(config: Config, options: NodeOptions): Promise<RunningNode> {
  await using started = new AsyncDisposableStack()
  const { services: own = [], overrides = {} } = options
  const base = nodeBase(config, overrides, started)

  const identity = await openIdentity(base, options)
  refuseSigningKeys(config, identity)
  const store = await openStore(base, identity, options)
  const boot = await new BootStore(store.level).next()

  const audit = await openAudit(base, identity, {
    store,
    boot,
    services: [
      echo.table,
      capabilitiesService,
      auditService,
      adminService,
      mailboxService,
      federationService,
      storageService,
      ...own.map(({ table }) => table)
    ]
  })
  const isPassing = options.ephemeral === true && identity.folder !== undefined
  const rights = await openRights(base, { ...identity, isPassing }, store, audit)
  const allowlist = await openAllowlist(base, identity, { store, audit, rights, isPassing })
  const peerKeys = await openPeerKeys(base, identity, { store, audit, rights, allowlist })
  const isOnDisk = options.ephemeral !== true
  const policy = await openPolicy(base, {
    store,
    isOnDisk,
    audit,
    allowlist,
    peerKeys
  })
  const signers = openSigners(base, identity, { audit, tellKeys: () => links.tellKeys() })
  const links: NodeLinks = await openLinks(base, identity, {
    store,
    audit,
    rights,
    allowlist,
    peerKeys,
    signers
  })
  const witness = await openWitness(base, identity, {
    store,
    audit,
    rights,
    allowlist,
    peerKeys,
    links,
    signers,
    isPassing
  })
  const threads = openThreads(base, {
    rights,
    servesAms: servesAms(config),
    shares: () => shares.shares
  })
  const shares: NodeShares = await openShares(base, identity, {
    audit,
    rights,
    allowlist,
    peerKeys,
    links,
    signers,
    acceptance: policy.acceptance,
    equivocations: witness.equivocations,
    elsewhere: threads.elsewhere
  })
  const directed = openDirected(base, identity, {
    audit,
    rights,
    allowlist,
    peerKeys,
    links,
    signers,
    acceptance: policy.acceptance
  })
  const { capabilities } = rights
  const readable = auditServices(audit, witness.cosignedAt)
  const mailbox = await openMailbox(base, identity, {
    store,
    boot,
    isOnDisk,
    shares,
    elsewhere: threads.elsewhere,
    rights,
    directing: directed.directing
  })
  directed.open(mailbox)
  const storage = await openStorage(base, identity, {
    isOnDisk,
    audit,
    capabilities,
    self: () => {
      const { peer_id: peer, addresses } = status()
      return { peer, addresses }
    }
  })
  const dht = prepareDht(base, identity, { isOnDisk, storage })
  const sharing = openSharing(base, identity, { storage, dht, links, seconds: rights.seconds })
  const snapshots = await openSnapshots(base, identity, {
    store,
    isOnDisk,
    audit,
    rights,
    allowlist,
    peerKeys,
    storage,
    links,
    signers,
    policyVersion: () => policy.standing().policy_version,
    series: () => settledSeries(shares.shares.book),
    equivocations: witness.equivocations
  })
  const exchange = await openExchange(base, identity, {
    store,
    audit,
    rights,
    allowlist,
    peerKeys,
    links,
    services: [echo, mailbox.forPeers, sharing.forPeers, ...readable, ...own].map(({ table }) => table)
  })
  const services = serviceDirectory([
    echo,
    capabilitiesOf(capabilities, exchange.handlers),
    mailbox.forPeers,
    sharing.forPeers,
    links.service,
    ...readable,
    ...own
  ])
  const apps = [0, ...services.keys()]
  const hostSessions = await startSessions(base, { apps, revocationSeq: () => capabilities.revocationSeq })
  const guard = isMirror(config) ? readOnly(rights.guard) : rights.guard
  const host = hostSessions(services, links.callConnections.noting(guard))
  capabilities.onWithdrawal(() => host.review(rights.review))
  rights.grants.onChange(() => host.review(rights.review))
  exchange.onChange(() => host.review(rights.review))
  await watchPressure(base, identity, () => host.callsOpen + rights.ledger.open)
  const peers = await servePeers(base, {
    ...identity,
    host,
    grants: rights.grants,
    isKnown: overrides.isKnown,
    dht: dht.options
  })
  await links.connect(peers)
  await snapshots.start()
  await openFederation(base, {
    allowlist,
    services: peers.transport.services.federation!,
    dht,
    gossip: shares.gossip
  })

  const status = () => statusOf({ ...base, ...identity, ...peers, host, boot, apps, lagS: snapshots.lagS() })
  const federation = federationAdmin({
    allowlist: () => allowlist,
    keys: () => peerKeys.known,
    links: links.states,
    reconciled: hub => shares.shares.of(hub),
    standing: () => ({
      ...standingOf(config, status()),
      ...policy.standing(),
      ...snapshots.standing(),
      ...witness.standing(),
      ...directed.standing()
    })
  })
  const sources = (): BackupSources => sourcesOf(identity, store, audit, capabilities)
  // Operators are served before it is there.
  const later: { surface?: Hardenable } = {}
  const hardening = hardenAdmin(base, {
    surface: () => later.surface,
    append: event => sources().log.append(event)
  })
  const operator = operatorService(status, capabilities, sources, hardening, {
    ...links.admin,
    ...recorded(base, audit, { ...federation, ...links.admin, ...policy.admin }),
    ...dhtAdmin({ ...dht, outcomes: sharing.outcomes }),
    ...storage.admin,
    ...witness.admin,
    ...snapshots.admin
  })
  await serveAdmin(base, identity, {
    hostSessions,
    services: [operator, mailbox.forOperator, sharing.forOperator, ...readable]
  })
  for (const part of overrides.parts ?? []) await base.supervise(part)
  const http = await serveSurface(base, identity, {
    signers,
    store,
    isOnDisk,
    audit,
    rights,
    policy,
    storage,
    peers,
    snapshots,
    allowlist,
    links,
    threads,
    host,
    status,
    env: overrides.env ?? process.env
  })
  later.surface = http

  base.state.isStarted = true
  base.log.info({ event: 'NodeStarted', hub: identity.keys.hubId, boot, version: VERSION }, 'started')
  return { status, capabilities, stop: stopOf(base, { host, mailbox, http }, started.move()) }
}

function sourcesOf(
  { folder }: Identity,
  { level }: NodeStore,
  { part }: NodeAudit,
  capabilities: Capabilities
): BackupSources {
  if (folder === undefined || part === undefined) return noSources()
  return { folder, level, log: part.log, capabilities }
}

const standingOf = (
  { federation }: Config,
  { hub_id, addresses, only_private_addresses }: NodeStatus
): Standing => ({
  federation: federation.name,
  hub: hub_id,
  addresses,
  only_private_addresses
})

/** Lets calls of peers and requests over HTTP finish, while readiness says that it drains, then ends all parts in reverse. */
function stopOf(
  { clock, config, log, state }: NodeBase,
  {
    host,
    mailbox,
    http
  }: { readonly host: SessionHost; readonly mailbox: NodeMailbox; readonly http: HttpServing },
  started: AsyncDisposableStack
) {
  return async (): Promise<void> => {
    state.isDraining = true
    mailbox.drain()
    const ms = config.node.drainTimeoutMs
    const { enabled, drainNoticeMs } = config.http
    const notice = enabled && drainNoticeMs > 0 && clock.sleep(drainNoticeMs, new AbortController().signal)
    const [calls, requests] = await Promise.all([host.drain(ms), http.idle(ms), notice])
    await started.disposeAsync()
    log.info({ event: 'NodeStopped', calls_cut_off: calls, requests_cut_off: requests }, 'stopped')
  }
}
