import type { Connection } from '@libp2p/interface'
import { LINKS, isLasting, linkStep, newLink } from '../../federation/index.ts'
import type { LinkEvent, LinkState, Moment, Outcome } from '../../federation/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { LinkChange, Links } from './links.ts'
import { hangUp } from './peer-calls.ts'

/** What there is between this node and one hub. */
interface Relation {
  state: LinkState
  /** Which of its addresses is dialled next. */
  next: number
  isDialable: boolean
  why: string
  /** Since when it is so, in Unix seconds. */
  sinceS: number
  dial: AbortController | undefined
  /** Until then a refusal may be that of a hub whose operator has not confirmed yet. */
  freshUntilMs: number
}

export interface RelationsOptions {
  readonly links: Pick<Links, 'of' | 'end' | 'answers' | 'heard'>
  /** All hubs that may link at this moment. */
  readonly allowed: () => readonly AllowedHub[]
  readonly dial: (address: string, signal: AbortSignal) => Promise<Connection>
  /** Proves this hub to the peer of a connection that was dialled for `hub`; a link comes of it, or not. */
  readonly handshake: (connection: Connection, hub: string, signal: AbortSignal) => Promise<Outcome>
  readonly now: () => Moment
  /** From 0 up to 1. */
  readonly random: () => number
}

export interface HowItIs {
  readonly isDialling: boolean
  readonly why: string
  /** Unix seconds. */
  readonly sinceS: number
}

const NOWHERE = 'no address of it is known, so it has to dial this node'
const NOT_YET = 'not dialled yet'
/** At one time; libp2p refuses what is more than it queues. */
const MOST_DIALS = 32
/** As long as a pairing waits for an operator. */
const FRESH_MS = 900_000
/** Until then waits grow no longer than after so many failures, to 8 s. */
const FRESH_FAILURES = 3

/**
 * Keeps one link with each hub that is allowed: dials those that have an address, again after a time, and probes links
 * that are silent. When to do what `linkStep` decides; here it is done.
 */
export class Relations {
  readonly #o: RelationsOptions
  readonly #relations = new Map<string, Relation>()
  #dials = 0
  #isStopped = false

  constructor(options: RelationsOptions) {
    this.#o = options
  }

  /** How it is with a hub; undefined where nothing was tried. */
  of(hub: string): HowItIs | undefined {
    const relation = this.#relations.get(hub)
    if (relation === undefined) return undefined
    return { isDialling: relation.state.is === 'dialling', why: relation.why, sinceS: relation.sinceS }
  }

  /** Does what is due; for a timer. */
  tick(): void {
    if (this.#isStopped) return
    const hubs = this.#o.allowed()
    this.#forgetOthers(new Set(hubs.map(({ hub }) => hub)))
    for (const entry of hubs) {
      const relation = this.#of(entry.hub)
      relation.isDialable = entry.addresses.length > 0
      if (!relation.isDialable && relation.why === NOT_YET) relation.why = NOWHERE
      if (relation.state.is === 'linked' && this.#o.links.heard(entry.hub))
        this.#step(entry, relation, { event: 'heard' })
      const mayDial = relation.dial === undefined && this.#dials < MOST_DIALS
      if (relation.state.is !== 'waiting' || mayDial) this.#step(entry, relation, { event: 'tick' })
    }
  }

  /** The entry of a hub is new or another. `isFresh` after a pairing: what refuses now may not do so in a moment. */
  renew(hub: string, { isFresh = false }: { readonly isFresh?: boolean } = {}): void {
    const relation = this.#of(hub)
    const { ms } = this.#o.now()
    if (isFresh) relation.freshUntilMs = ms + FRESH_MS
    relation.dial?.abort(new Error('the entry of this hub changed'))
    relation.dial = undefined
    if (relation.state.is === 'linked') return
    relation.state = newLink(ms)
    relation.why = NOT_YET
  }

  /** A link came up or ended. */
  changed({ hub, end }: LinkChange): void {
    const relation = this.#of(hub)
    relation.sinceS = this.#o.now().s
    relation.why = end === undefined ? '' : `the last link ended: ${end}`
    this.#step(undefined, relation, { event: end === undefined ? 'linked' : 'closed' })
  }

  stop(): void {
    this.#isStopped = true
    for (const { dial } of this.#relations.values()) dial?.abort(new Error('the node is stopping'))
  }

  #of(hub: string): Relation {
    const known = this.#relations.get(hub)
    if (known !== undefined) return known
    const { ms, s } = this.#o.now()
    const relation: Relation = {
      state: newLink(ms),
      next: 0,
      isDialable: false,
      why: NOT_YET,
      sinceS: s,
      dial: undefined,
      freshUntilMs: 0
    }
    this.#relations.set(hub, relation)
    return relation
  }

  #forgetOthers(allowed: ReadonlySet<string>): void {
    for (const [hub, { dial }] of this.#relations) {
      if (allowed.has(hub)) continue
      dial?.abort(new Error('this hub is not allowed any more'))
      this.#relations.delete(hub)
    }
  }

  #step(entry: AllowedHub | undefined, relation: Relation, event: LinkEvent): void {
    const { isDialable } = relation
    const at = { nowMs: this.#o.now().ms, random: this.#o.random(), isDialable }
    const { state, effect } = linkStep(relation.state, event, at)
    relation.state = state
    if (entry === undefined) return
    if (effect === 'dial') void this.#dial(entry, relation)
    else if (effect === 'probe') void this.#probe(entry, relation)
    else if (effect === 'close') this.#o.links.end(entry.hub, 'silent')
  }

  async #probe(entry: AllowedHub, relation: Relation): Promise<void> {
    const link = this.#o.links.of(entry.hub)
    if (link === undefined) return
    const event = (await this.#o.links.answers(link)) ? 'heard' : 'missed'
    // Another may have come in its place meanwhile.
    if (this.#o.links.of(entry.hub) === link) this.#step(entry, relation, { event })
  }

  async #dial(entry: AllowedHub, relation: Relation): Promise<void> {
    const { hub, addresses } = entry
    const dial = new AbortController()
    relation.dial = dial
    const signal = AbortSignal.any([dial.signal, AbortSignal.timeout(LINKS.dialMs)])
    this.#dials++
    const failure = await this.#attempt(addresses[relation.next++ % addresses.length]!, hub, signal)
    this.#dials--
    if (relation.dial !== dial) return
    relation.dial = undefined
    if (failure === undefined || dial.signal.aborted) return
    const { ms, s } = this.#o.now()
    if (relation.state.is === 'dialling' && relation.why !== failure.why) {
      relation.why = failure.why
      relation.sinceS = s
    }
    const isFresh = ms < relation.freshUntilMs
    this.#step(entry, relation, { event: 'failed', wasRefused: failure.wasRefused && !isFresh })
    const { state } = relation
    if (isFresh && state.is === 'waiting')
      relation.state = { ...state, failures: Math.min(state.failures, FRESH_FAILURES) }
  }

  /** Why no link came of it; undefined when one did. */
  async #attempt(address: string, hub: string, signal: AbortSignal): Promise<Failure | undefined> {
    let connection: Connection | undefined
    try {
      connection = await this.#o.dial(address, signal)
      const outcome = await this.#o.handshake(connection, hub, signal)
      // One that was proved and lost to another connection is no failure where that one is up.
      if (outcome.kind === 'linked' && this.#o.links.of(hub) !== undefined) return undefined
      hangUp(connection, 'no link')
      return refusalOf(outcome)
    } catch (error) {
      if (connection !== undefined) hangUp(connection, 'no link')
      return { wasRefused: false, why: unreached(error, signal) }
    }
  }
}

interface Failure {
  readonly why: string
  readonly wasRefused: boolean
}

function refusalOf(outcome: Outcome): Failure {
  if (outcome.kind === 'turned_away')
    return { wasRefused: isLasting(outcome.code), why: `the other hub refused: ${outcome.code}` }
  if (outcome.kind === 'refused')
    return { wasRefused: isLasting(outcome.code), why: `refused here: ${outcome.code}` }
  return { wasRefused: false, why: 'the connection was lost at once' }
}

const MAX_WHY = 160

function unreached(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'not reached in time'
  const message = error instanceof Error ? error.message : String(error)
  return `not reached: ${message.replaceAll(/\s+/g, ' ').slice(0, MAX_WHY)}`
}
