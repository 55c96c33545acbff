import type { Place, Topic } from '../stores/mailbox/types.ts'
import { Deadlines } from './deadlines.ts'
import { Nonces, formatLease, parseLease, placeDigest } from './lease-token.ts'
import { placeOf, topicKey } from './place.ts'
import { Recent } from './recent.ts'

/** A message in somebody's hands. Holds no body: as many as there may be fit into memory. */
export interface Lease {
  readonly place: Place
  readonly attempt: number
  readonly nonce: string
  readonly digest: string
  /** Ms of the clock that cannot be set; from then on it is good for nothing. */
  deadlineMs: number
  /** True while what ends it is being written: it neither passes nor is accepted meanwhile. */
  isEnding: boolean
  /** Of the record in the store. */
  readonly bytes: number
  /** True where its meta asks for a receipt or a bounce. */
  readonly asksForReceipts: boolean
  /** Runs once when the lease is over, however it ended. */
  readonly onOver: (() => void) | undefined
}

/** Why a token is not accepted. @see specs/mailbox.md, section 4.1 */
export type LeaseRefusal = 'lease_expired' | 'already_acked' | 'lease_foreign'

export interface LeaseBounds {
  readonly ofTopic: number
  readonly ofTenant: number
  readonly ofNode: number
  /** Tokens that acknowledged their message: at least half as many are remembered. */
  readonly remembered: number
}

export const LEASE_BOUNDS: LeaseBounds = {
  ofTopic: 4096,
  ofTenant: 16_384,
  ofNode: 65_536,
  remembered: 16_384
}

/** A message about to be leased. */
export interface LeaseRequest {
  readonly attempt: number
  readonly deadlineMs: number
  readonly bytes: number
  readonly asksForReceipts: boolean
  readonly onOver?: (() => void) | undefined
}

/**
 * All leases of one life of the mailbox. Nothing of them survives it: tokens carry the number of the start, and those
 * of an earlier one have passed.
 */
export class Leases {
  readonly #boot: number
  readonly #bounds: LeaseBounds
  readonly #nonces = new Nonces()
  readonly #topics = new Map<string, Map<string, Lease>>()
  readonly #ofTenant = new Map<string, number>()
  readonly #deadlines = new Deadlines<Lease>(lease => this.#isHeld(lease) && !lease.isEnding)
  readonly #acked: Recent<number>
  readonly #ended: () => void
  #size = 0

  /** `ended` is told of each lease that is over. */
  constructor(boot: number, bounds: LeaseBounds = LEASE_BOUNDS, ended: () => void = () => undefined) {
    this.#boot = boot
    this.#bounds = bounds
    this.#ended = ended
    this.#acked = new Recent(bounds.remembered)
  }

  get size(): number {
    return this.#size
  }

  countOf(topic: Topic): number {
    return this.#topics.get(topicKey(topic))?.size ?? 0
  }

  /** The lowest id under lease of a topic's priority. */
  oldest(topic: Topic, priority: number): string | undefined {
    let oldest: string | undefined
    for (const { place } of this.#topics.get(topicKey(topic))?.values() ?? [])
      if (place.priority === priority && (oldest === undefined || place.id < oldest)) oldest = place.id
    return oldest
  }

  /** How many more messages of the topic may be leased now. */
  room(topic: Topic): number {
    const { ofTopic, ofTenant, ofNode } = this.#bounds
    return Math.min(
      ofTopic - this.countOf(topic),
      ofTenant - (this.#ofTenant.get(topic.tenant) ?? 0),
      ofNode - this.#size
    )
  }

  find(topic: Topic, id: string): Lease | undefined {
    return this.#topics.get(topicKey(topic))?.get(id)
  }

  give(place: Place, { onOver, ...request }: LeaseRequest): Lease {
    const lease: Lease = {
      ...request,
      place: placeOf(place),
      nonce: this.#nonces.next(),
      digest: placeDigest(place),
      isEnding: false,
      onOver
    }
    const key = topicKey(place)
    let leases = this.#topics.get(key)
    if (leases === undefined) this.#topics.set(key, (leases = new Map()))
    leases.set(place.id, lease)
    this.#size++
    this.#ofTenant.set(place.tenant, (this.#ofTenant.get(place.tenant) ?? 0) + 1)
    this.#deadlines.add(lease)
    return lease
  }

  token({ attempt, digest, nonce }: Lease): string {
    return formatLease({ boot: this.#boot, attempt, key: digest, nonce })
  }

  /** The living lease that a token stands for, or why there is none. */
  judge(topic: Topic, id: string, token: string, now: number): Lease | LeaseRefusal {
    const lease = this.find(topic, id)
    // A token has one way to be written.
    if (lease !== undefined && token === this.token(lease))
      return lease.isEnding || now >= lease.deadlineMs ? 'lease_expired' : lease
    const parsed = parseLease(token)
    if (parsed === undefined) return 'lease_foreign'
    const isOurs = lease !== undefined && parsed.boot === this.#boot && parsed.key === lease.digest
    if (!this.#couldBe(topic, id, parsed.key)) return 'lease_foreign'
    const until = this.#acked.get(`${id} ${token}`)
    if (until !== undefined && now < until) return 'already_acked'
    // A lease of this very attempt lives, and its token is another.
    if (isOurs && parsed.attempt >= lease.attempt) return 'lease_foreign'
    return parsed.boot > this.#boot ? 'lease_foreign' : 'lease_expired'
  }

  /** Whether the digest is that of the message in this topic, of whatever priority. */
  #couldBe({ tenant, topic }: Topic, id: string, digest: string): boolean {
    for (let priority = 0; priority <= 9; priority++)
      if (placeDigest({ tenant, topic, priority, id }) === digest) return true
    return false
  }

  extend(lease: Lease, deadlineMs: number): void {
    lease.deadlineMs = deadlineMs
    this.#deadlines.add(lease)
    this.#deadlines.compact(this.#size)
  }

  /** What was to end a lease did not come about: it lives on, or passes if its time is over. */
  resume(lease: Lease): void {
    lease.isEnding = false
    this.#deadlines.add(lease)
    this.#deadlines.compact(this.#size)
  }

  /** The lease is over. With `acked`, its token is remembered for the rest of its time. */
  end(lease: Lease, { acked = false } = {}): void {
    if (!this.#isHeld(lease)) return
    const { place } = lease
    const key = topicKey(place)
    const leases = this.#topics.get(key)!
    leases.delete(place.id)
    if (leases.size === 0) this.#topics.delete(key)
    this.#size--
    const left = (this.#ofTenant.get(place.tenant) ?? 1) - 1
    if (left > 0) this.#ofTenant.set(place.tenant, left)
    else this.#ofTenant.delete(place.tenant)
    if (acked) this.#remember(lease)
    this.#deadlines.compact(this.#size)
    lease.onOver?.()
    this.#ended()
  }

  /** Up to `limit` leases whose time is over; each is marked as ending, and named once. */
  passed(now: number, limit: number): Lease[] {
    const passed = this.#deadlines.passed(now, limit)
    for (const lease of passed) lease.isEnding = true
    return passed
  }

  #isHeld(lease: Lease): boolean {
    return this.find(lease.place, lease.place.id) === lease
  }

  #remember(lease: Lease): void {
    this.#acked.set(`${lease.place.id} ${this.token(lease)}`, lease.deadlineMs)
  }
}
