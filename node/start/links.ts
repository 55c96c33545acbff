import { randomBytes } from 'node:crypto'
import { grantOf } from '../../federation/index.ts'
import type { Established, Facts } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionState, Service } from '../../protocols/index.ts'
import type { Connection } from '@libp2p/interface'
import type { AllowedHub, Allowlist, LinkStates } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import {
  CallConnections,
  Links,
  NewestCheckpoint,
  OverLinks,
  Pairing,
  Relations,
  Responding,
  THEIR_ROWS,
  TheirTreaties,
  callsTo,
  checkRelayed,
  checkTargets,
  dialOver,
  federationOver,
  linkStates,
  linksAdmin,
  newNonce,
  outcomeRecorder,
  partyOf,
  relay,
  shakeHands,
  thisMoment
} from '../links/index.ts'
import type { Checked, LinksAdmin, LiveLink } from '../links/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import { KeyExchange } from '../peer-keys/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import type { NodePeerKeys } from './peer-keys.ts'
import type { Peers } from './peers.ts'

const TICK_MS = 250

/** Links with other hubs. It waits for `connect` before any is made. */
export interface NodeLinks {
  /** Has to see every call that the guard is asked about. */
  readonly callConnections: CallConnections
  readonly service: Service
  readonly states: LinkStates
  readonly admin: LinksAdmin
  readonly live: Pick<Links, 'of' | 'all' | 'theirs' | 'onChange' | 'onAgreed'>
  /** Tells linked hubs what the hub key has signed since. */
  readonly tellKeys: () => Promise<void>
  /** Resolves once the keys of the other side have been read over a link; never, where it ends before. */
  readonly keysRead: (link: LiveLink) => Promise<void>
  /** Where parts of their own hand in what they answer over links. */
  readonly over: Pick<OverLinks, 'serve'>
  /** Where this node can be dialled. */
  readonly addresses: () => readonly string[]
  /** A connection of its own with a peer that needs no link, at the first of these addresses that answers. */
  readonly dial: (addresses: readonly string[], signal: AbortSignal) => Promise<Connection>
  /** Has hubs of the allowlist prove themselves now; each by its id or one of its addresses. Never rejects. */
  readonly check: (targets: readonly string[], signal: AbortSignal) => Promise<readonly Checked[]>
  /** Begins to link over the connections of `peers`. */
  connect(peers: Peers): Promise<void>
}

export interface LinksPlace {
  readonly store: NodeStore
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'capabilities' | 'grants' | 'seconds'>
  readonly allowlist: Allowlist
  readonly peerKeys: NodePeerKeys
  readonly signers: Pick<NodeSigners, 'forget'>
}

/** Prepares links with the hubs of the allowlist, by what is known of their treaties; readiness does not depend on them. */
export async function openLinks(
  base: NodeBase,
  { keys }: Identity,
  {
    audit,
    rights: { capabilities, grants, seconds },
    allowlist,
    peerKeys: { known, own, revoke },
    signers,
    store
  }: LinksPlace
): Promise<NodeLinks> {
  const { config, log, metrics, started } = base
  let connected: Peers | undefined
  const theConnected = (): Peers => {
    if (connected === undefined) throw new OapError('not_ready', 'links are not open yet')
    return connected
  }
  const now = () => ({ ms: thisMoment().ms, s: seconds() })
  const allowed = (hub: string): AllowedHub | undefined => {
    const entry = allowlist.get(hub)
    return entry === undefined || allowlist.isOver(entry) ? undefined : entry
  }
  const isListed = (hub: string): boolean => allowlist.get(hub) !== undefined
  const record = (event: Parameters<NodeAudit['append']>[0]): Promise<void> => audit.append(event)
  const ended = outcomeRecorder({
    append: record,
    learn: delegation => known.learn([{ kind: 'delegation', record: delegation }]),
    metrics,
    log,
    now: () => now().ms
  })
  const checkpoint = new NewestCheckpoint(() => audit.part?.log.checkpoint())
  const callConnections = new CallConnections()
  const pairing = new Pairing({ self: keys.hubId, allowlist, now, random: randomBytes, record, log })

  const party = partyOf({
    keys,
    federation: config.federation.name,
    factsFor: hub =>
      factsOf(allowlist.get(hub), {
        revocation_seq: capabilities.revocationSeq,
        checkpoint: checkpoint.note
      }),
    isRevoked: statement => known.isRevoked(statement),
    openInvite: () => pairing.openInvite()
  })
  const links = new Links({
    self: keys.peerId,
    now,
    allowed,
    keys: known,
    stateOf: connection => theConnected().stateOf(connection),
    grants,
    theirs: await TheirTreaties.open(new CheckedRows(() => store.level, THEIR_ROWS), isListed),
    linked: {
      link: connection => theConnected().linked.link(connection),
      unlink: connection => theConnected().linked.unlink(connection)
    },
    record,
    log
  })
  const responding = new Responding({
    party,
    now,
    nonce: newNonce,
    ended: outcome => {
      pairing.heard(outcome)
      return ended(outcome)
    },
    established: (state: ConnectionState, peer: Established) => {
      const connection = theConnected().connectionOf(state)
      if (peer.kind === 'paired') pairing.paired(peer)
      else if (connection !== undefined) links.established(connection, peer)
    }
  })
  const shake = async (connection: Connection, hub: string, signal: AbortSignal, secret?: Uint8Array) => {
    const dialled = {
      peer: connection.remotePeer.toString(),
      nonce: newNonce(),
      hub,
      ...(secret && { secret })
    }
    if (!responding.begin(theConnected().stateOf(connection)))
      throw new OapError('conflict', 'the other hub began a handshake itself', { code: 'second_handshake' })
    const outcome = await shakeHands(callsTo(connection), dialled, { party, now }, { signal })
    await ended(outcome)
    if (outcome.kind === 'linked') links.established(connection, outcome)
    return outcome
  }
  const dial = (address: string, signal: AbortSignal): Promise<Connection> =>
    dialOver(theConnected().transport)([address], signal)
  const relations = new Relations({
    links,
    allowed: () => allowlist.list().filter(entry => !allowlist.isOver(entry)),
    dial,
    handshake: shake,
    now,
    random: Math.random
  })
  const exchange = new KeyExchange({
    own,
    peers: known,
    links: () => links.all(),
    nowMs: () => now().ms,
    log
  })
  metrics.gauge('federation_links', 'Links that are up.', () => links.size)
  metrics.gauge('federation_handshakes_open', 'Handshakes that wait for their proof.', () => responding.open)
  links.onChange(change => relations.changed(change))
  const over = new OverLinks()
  const service = federationOver({
    callConnections,
    over,
    responding,
    links,
    pairing,
    keys: exchange,
    revocationSeq: () => capabilities.revocationSeq,
    now
  }) as Service

  const addresses = (): readonly string[] => theConnected().transport.getMultiaddrs().map(String)
  return {
    callConnections,
    service,
    live: links,
    tellKeys: () => exchange.tell(),
    keysRead: link => exchange.read(link),
    over,
    addresses,
    dial: (all, signal) => dialOver(theConnected().transport)(all, signal),
    states: linkStates(links, relations),
    check: (targets, signal) => {
      const permitted = () => allowlist.list().filter(entry => !allowlist.isOver(entry))
      return checkTargets({ links, allowed: permitted, dial, shake }, targets, signal)
    },
    admin: linksAdmin({
      allowlist,
      pairing,
      dial,
      shake,
      addresses,
      confirmed: hub => relations.renew(hub, { isFresh: true }),
      revokeKey: async (key, reason) => {
        const statement = await revoke(key, reason)
        signers.forget()
        await exchange.tell()
        return statement
      },
      relay: async ({ hub, app, payload }, { actor, ...ids }, signal) => {
        checkRelayed(app)
        const link = links.of(hub)
        if (link === undefined) throw noLink(allowlist, hub)
        const quarantine = known.quarantine(hub)
        if (quarantine !== undefined) throw quarantined(hub, quarantine)
        await record(auditEvent('relay', actor, { hub, app, bytes: payload.length }, ids))
        return relay(link.caller, app, payload, signal)
      }
    }),
    async connect(peers) {
      connected = peers
      peers.transport.addEventListener('connection:close', ({ detail }) => {
        links.closed(detail)
        const state = peers.knownStateOf(detail)
        if (state !== undefined) responding.forget(state)
      })
      started.defer(
        allowlist.onChange(change => {
          links.review(change)
          if (change.change !== 'remove') relations.renew(change.hub)
        })
      )
      started.defer(known.onChange(({ hub }) => links.reviewKeys(hub)))
      await own.reload()
      await base.supervise({
        service: 'links',
        crashReason: 'crash_exception',
        run: (ready, signal) =>
          ticking(
            () => {
              pairing.tick()
              checkpoint.tick(now().ms)
              links.expire()
              relations.tick()
              exchange.tick()
            },
            ready,
            signal
          )
      })
      started.defer(async () => {
        relations.stop()
        responding.stop()
        await links.stop()
      })
    }
  }
}

function factsOf(
  entry: AllowedHub | undefined,
  { revocation_seq, checkpoint }: { readonly revocation_seq: number; readonly checkpoint: string | undefined }
): Facts | undefined {
  if (entry === undefined) return undefined
  const treaty = grantOf(entry.treaty) as unknown as Facts['treaty']
  return { revocation_seq, treaty, ...(checkpoint !== undefined && { checkpoint }) }
}

function noLink(allowlist: Allowlist, hub: string): OapError {
  allowlist.find(hub)
  return new OapError('not_found', `hub ${hub}: there is no link; see federation status`, { code: 'no_link' })
}

const quarantined = (hub: string, why: string): OapError =>
  new OapError('conflict', `hub ${hub}: is in quarantine, ${why}; see peer show and peer release`, {
    code: 'quarantined'
  })

function ticking(tick: () => void, ready: () => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        tick()
      } catch (error) {
        clearInterval(timer)
        reject(error as Error)
      }
    }, TICK_MS).unref()
    signal.addEventListener('abort', () => resolve(clearInterval(timer)), { once: true })
    ready()
  })
}
