import type { Connection } from '@libp2p/interface'
import { HANDSHAKE, remaining } from '../../federation/index.ts'
import type { Established, Moment, Treaty, TreatyGrant } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'
import { grantTerms } from '../allowlist/index.ts'
import type { AllowedHub, AllowlistChange } from '../allowlist/index.ts'
import { LINK_ENDS, auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { Grant } from '../guards/grant.ts'
import type { Grants } from '../guards/grants.ts'
import type { Log } from '../log.ts'
import type { PeerKeys } from '../peer-keys/index.ts'
import { answersProbe, tellEnd, tellTreaty } from './link-calls.ts'
import type { LinkEnd, LiveLink } from './live-link.ts'
import { callsTo, closeSoon, hangUp } from './peer-calls.ts'
import type { TheirTreaties } from './their-treaties.ts'

/** The part of the transport that has services for linked connections alone. */
export interface Linked {
  link(connection: Connection): boolean
  unlink(connection: Connection): void
}

export interface LinksOptions {
  /** The peer id of this node. */
  readonly self: string
  readonly now: () => Moment
  /** The entry of a hub that may link at this moment. */
  readonly allowed: (hub: string) => AllowedHub | undefined
  /** What is known of the keys of other hubs. */
  readonly keys: Pick<PeerKeys, 'isRevoked' | 'quarantine'>
  readonly stateOf: (connection: Connection) => ConnectionState
  readonly grants: Pick<Grants, 'set' | 'remove'>
  readonly linked: Linked
  /** What other hubs grant this one. */
  readonly theirs: TheirTreaties
  /** Records what has happened; resolves once it is durable. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  readonly log: Pick<Log, 'info' | 'warn'>
}

export interface LinkChange {
  readonly hub: string
  readonly link: LiveLink
  /** Undefined when it came up. */
  readonly end: LinkEnd | undefined
}

/**
 * The links of this node, one for each other hub. A connection gets the grant of our treaty when it becomes a link, and
 * loses it at once when it ends or the treaty changes. Of all that, what other hubs grant this one outlives the process.
 */
export class Links {
  readonly #o: LinksOptions
  readonly #live = new Map<string, LiveLink>()
  readonly #ofConnection = new WeakMap<Connection, LiveLink>()
  readonly #granted = new Map<string, Grant>()
  readonly #listeners = new Set<(change: LinkChange) => void>()
  readonly #agreements = new Set<(hub: string) => void>()

  constructor(options: LinksOptions) {
    this.#o = options
  }

  get size(): number {
    return this.#live.size
  }

  of(hub: string): LiveLink | undefined {
    return this.#live.get(hub)
  }

  /** All that are up. */
  all(): readonly LiveLink[] {
    return [...this.#live.values()]
  }

  /** What a hub granted us in its newest proof or told since, while it stays on the allowlist; also before a restart. */
  theirs(hub: string): TreatyGrant | undefined {
    return this.#o.theirs.of(hub)
  }

  /** The other side of a link grants this now; false for what is no treaty. Resolves once that would survive a power cut. */
  async grants(state: ConnectionState, treaty: object): Promise<boolean> {
    const link = [...this.#live.values()].find(one => one.state === state)
    if (link === undefined || !this.#o.theirs.told(link.hub, treaty)) return false
    this.#agreed(link.hub)
    await this.#o.theirs.keep()
    return true
  }

  /** Calls `listener` with a hub over whose link a treaty was told, by it or to it: both go by that from then on. */
  onAgreed(listener: (hub: string) => void): () => void {
    this.#agreements.add(listener)
    return () => void this.#agreements.delete(listener)
  }

  onChange(listener: (change: LinkChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * A handshake made a link of a connection. Where there is one with that hub, one of the two is closed. Throws
   * `conflict` for a connection that is a link.
   */
  established(connection: Connection, peer: Established): void {
    const { allowed, now } = this.#o
    if (connection.status !== 'open') return
    if (this.#ofConnection.has(connection))
      throw new OapError('conflict', 'this connection is a link already', { code: 'second_handshake' })
    if (allowed(peer.hub) === undefined) return closeSoon(connection, 'removed')
    const link = this.#newLink(connection, peer)
    const old = this.#live.get(peer.hub)
    if (old === undefined) return this.#up(link)
    switch (remaining(ofRule(old), ofRule(link), { self: this.#o.self, nowMs: now().ms })) {
      case 'new':
        return this.#replace(old, link)
      case 'old':
        return this.#turnAway(link, 'already_linked')
      case 'probe':
        void this.#settle(old, link)
    }
  }

  /** A connection is closed; nothing where it was no link. */
  closed(connection: Connection): void {
    const link = this.#ofConnection.get(connection)
    if (link !== undefined) this.#down(link, 'connection_lost')
  }

  /** The other side says that it ends the link, and why. */
  left(state: ConnectionState, reason: string): void {
    for (const link of this.#live.values()) {
      if (link.state !== state) continue
      const told = LINK_ENDS.find(end => end === reason) ?? 'another reason'
      this.#o.log.info({ event: 'LinkLeft', hub: link.hub, told }, 'the other hub ends the link')
      this.#close(link, 'left')
    }
  }

  /** Ends the link with a hub, whose calls end with it, and tells the other side why. */
  end(hub: string, reason: LinkEnd): void {
    const link = this.#live.get(hub)
    if (link === undefined) return
    this.#down(link, reason)
    void this.#leave(link, reason)
  }

  /** What changed in the allowlist holds at once. */
  review({ hub, change }: AllowlistChange): void {
    if (change === 'remove') {
      this.#o.theirs.forget(hub)
      void this.#keepTheirs()
    }
    const link = this.#live.get(hub)
    const entry = this.#o.allowed(hub)
    if (link === undefined) return
    if (entry === undefined) return this.end(hub, change === 'remove' ? 'removed' : 'treaty_expired')
    this.#give(link, entry)
    void tellTreaty(link, entry.treaty).then(() => this.#agreed(hub))
  }

  /** What changed in what is known of a hub's keys holds at once. */
  reviewKeys(hub: string): void {
    const link = this.#live.get(hub)
    const entry = this.#o.allowed(hub)
    if (link === undefined || entry === undefined) return
    if (this.#o.keys.isRevoked(link.peer.delegation.statement)) this.end(hub, 'revoked')
    else this.#give(link, entry)
  }

  /** Ends links whose other side was proved by a delegation that is over; for a timer. */
  expire(): void {
    const { s } = this.#o.now()
    for (const { hub, peer } of this.#live.values())
      if (s > peer.delegation.statement.not_after + HANDSHAKE.skewS) this.end(hub, 'delegation_expired')
  }

  /** Whether a call came over the link with a hub since this was asked last. */
  heard(hub: string): boolean {
    return this.#granted.get(hub)?.takeHeard() === true
  }

  /** Whether the other side of a link is still there. */
  answers(link: LiveLink): Promise<boolean> {
    return answersProbe(link)
  }

  /** Ends all links, and tells the others. */
  async stop(): Promise<void> {
    const links = [...this.#live.values()]
    await Promise.all(
      links.map(link => {
        this.#down(link, 'stopping')
        return this.#leave(link, 'stopping')
      })
    )
    await this.#keepTheirs()
  }

  #newLink(connection: Connection, peer: Established): LiveLink {
    const { stateOf, now } = this.#o
    const { ms, s } = now()
    return {
      hub: peer.hub,
      connection,
      state: stateOf(connection),
      caller: callsTo(connection),
      peer,
      sinceMs: ms,
      sinceS: s
    }
  }

  #up(link: LiveLink): void {
    const { hub, connection, peer } = link
    const entry = this.#o.allowed(hub)
    if (entry === undefined || connection.status !== 'open') return closeSoon(connection, 'removed')
    if (this.#o.keys.isRevoked(peer.delegation.statement)) return closeSoon(connection, 'revoked')
    this.#live.set(hub, link)
    this.#ofConnection.set(connection, link)
    this.#give(link, entry)
    this.#o.linked.link(connection)
    this.#o.theirs.proved(hub, peer.facts?.theirs.treaty)
    void this.#keepTheirs()
    const direction = connection.direction
    const facts = { event: 'LinkUp', hub, direction, peer: peer.peer, transcript: peer.transcript }
    this.#o.log.info(facts, 'linked with another hub')
    this.#record({ hub, change: 'up', transcript: peer.transcript })
    this.#tell({ hub, link, end: undefined })
  }

  /** Never rejects: what could not be written is, with what comes next. */
  async #keepTheirs(): Promise<void> {
    try {
      await this.#o.theirs.keep()
    } catch (err) {
      this.#o.log.warn({ event: 'TreatiesNotKept', err }, 'what other hubs grant could not be written')
    }
  }

  /** What our treaty allows, and nothing while the hub is in quarantine. */
  #give(link: LiveLink, { treaty }: AllowedHub): void {
    const isQuarantined = this.#o.keys.quarantine(link.hub) !== undefined
    const grant = grantOfLink(link, treaty, isQuarantined)
    this.#granted.set(link.hub, grant)
    this.#o.grants.set(link.state, grant)
  }

  #down(link: LiveLink, reason: LinkEnd): void {
    const { hub, connection, state, peer } = link
    if (this.#live.get(hub) !== link) return
    this.#live.delete(hub)
    this.#ofConnection.delete(connection)
    this.#granted.delete(hub)
    this.#o.grants.remove(state)
    this.#o.linked.unlink(connection)
    const upS = this.#o.now().s - link.sinceS
    this.#o.log.info({ event: 'LinkDown', hub, reason, up_s: upS }, 'the link with another hub ended')
    this.#record({ hub, change: 'down', transcript: peer.transcript, reason })
    this.#tell({ hub, link, end: reason })
  }

  #replace(old: LiveLink, link: LiveLink): void {
    this.#close(old, 'replaced')
    this.#up(link)
  }

  #close(link: LiveLink, reason: LinkEnd): void {
    this.#down(link, reason)
    closeSoon(link.connection, reason)
  }

  /** A connection that is proved and not wanted. */
  #turnAway({ hub, connection, peer }: LiveLink, reason: 'already_linked' | 'second_node'): void {
    const facts = { event: 'LinkNotTaken', hub, reason, peer: peer.peer }
    if (reason === 'second_node')
      this.#o.log.warn(facts, 'two nodes run with one node key, or one was started twice')
    else this.#o.log.info(facts, 'there is a link with that hub already')
    this.#record({ hub, change: 'down', transcript: peer.transcript, reason })
    closeSoon(connection, reason)
  }

  /** The old one remains if its node answers: the new one comes from another, or from one that has started anew. */
  async #settle(old: LiveLink, link: LiveLink): Promise<void> {
    const isThere = await this.answers(old)
    const now = this.#live.get(link.hub)
    if (now === old && isThere) {
      const isSamePeer = old.peer.peer === link.peer.peer
      return this.#turnAway(link, isSamePeer ? 'second_node' : 'already_linked')
    }
    if (now === undefined) this.#up(link)
    else if (now === old) this.#replace(old, link)
    else this.#turnAway(link, 'already_linked')
  }

  async #leave(link: LiveLink, reason: LinkEnd): Promise<void> {
    await tellEnd(link, reason)
    hangUp(link.connection, reason)
  }

  #record(data: Parameters<typeof auditEvent<'link'>>[2]): void {
    this.#o.record(auditEvent('link', 'node', data)).catch((err: unknown) => {
      this.#o.log.warn({ event: 'AuditMissed', hub: data.hub, err }, 'a link could not be recorded')
    })
  }

  #agreed(hub: string): void {
    for (const listener of this.#agreements) listener(hub)
  }

  #tell(change: LinkChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}

const ofRule = ({ connection, peer, sinceMs }: LiveLink) => ({
  peer: peer.peer,
  boot: peer.boot,
  isOurs: connection.direction === 'outbound',
  sinceMs
})

/** It ends with the delegation by which the connection was proved, too. */
const grantOfLink = ({ hub, peer }: LiveLink, treaty: Treaty, isQuarantined: boolean): Grant =>
  new Grant({ ...grantTerms(hub, treaty, peer.delegation.statement.not_after), isQuarantined })
