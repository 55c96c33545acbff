import { TokenBucket } from '../../protocols/index.ts'
import { BucketTable } from './bucket-table.ts'
import type { Rate } from './bucket-table.ts'
import { OpenCalls } from './open-calls.ts'

/** Buckets kept of peers and prefixes, whoever comes. */
const CAPACITY = 16_384
/** A prefix that owes more than it may stream in this time owes the rest to itself alone. */
const MOST_SHARED_DEBT_MS = 1000

export interface PeerRates {
  /** Calls of one known peer, over all its connections. */
  readonly peerCalls: Rate
  /** Frame bytes of calls of one known peer, and as many of its streams, both ways. */
  readonly peerBytes: Rate
  /** Calls of all strangers from one IPv4 /24 or IPv6 /64. */
  readonly prefixCalls: Rate
  /** Calls of all strangers together. */
  readonly strangerCalls: Rate
  /** The same of all strangers together. Streams of one prefix have the part of it that `prefixCalls` is of `strangerCalls`. */
  readonly strangerBytes: Rate
  /** Calls of one known peer that may be open at one time. */
  readonly peerInFlight: number
}

/** What the calls of one connection are charged to, before anything they claim is believed. */
export interface PeerMeter {
  /** Yields 0 and counts a call with the bytes of its first frame, or the milliseconds to wait and counts nothing. */
  call(bytes: number, now: number): number
  /** Charges bytes of frames that open no call and belong to no stream: the next calls wait for them. */
  received(bytes: number, now: number): void
  /** Charges bytes of streams, which have rates of their own, or gives back if negative; yields the milliseconds until they are paid for. */
  streamed(bytes: number, now: number): number
  /** Whether one more call may be open at this time, over all connections of its peer; each one is ended. */
  begin(): boolean
  end(): void
}

/** The first quota: by peer for those that have shown who they are, by prefix and in all for strangers. */
export class PeerQuotas {
  readonly #rates: PeerRates
  readonly #calls = new BucketTable(CAPACITY)
  readonly #bytes = new BucketTable(CAPACITY)
  readonly #streams = new BucketTable(CAPACITY)
  readonly #open = new OpenCalls()
  readonly #strangerCalls: TokenBucket
  readonly #strangerBytes: TokenBucket
  readonly #strangerStreams: TokenBucket

  constructor(rates: PeerRates, now: number) {
    this.#rates = rates
    const { strangerCalls: calls, strangerBytes: bytes } = rates
    this.#strangerCalls = new TokenBucket(calls.burst, calls.perSecond, now)
    this.#strangerBytes = new TokenBucket(bytes.burst, bytes.perSecond, now)
    this.#strangerStreams = new TokenBucket(bytes.burst, bytes.perSecond, now)
  }

  /** Peers and prefixes that are remembered. */
  get size(): number {
    return this.#calls.size + this.#bytes.size + this.#streams.size
  }

  meter(peer: string, prefix: string, isStranger: () => boolean, now: number): PeerMeter {
    const strangers = (): Buckets => this.#strangers(prefix, now)
    const open = { peer, calls: this.#open, most: this.#rates.peerInFlight }
    return new SwitchingMeter(isStranger, strangers, () => this.#known(peer, now), open)
  }

  #known(peer: string, now: number): Buckets {
    const { peerCalls, peerBytes } = this.#rates
    return {
      calls: [this.#calls.get(`peer ${peer}`, peerCalls, now)],
      bytes: this.#bytes.get(`peer ${peer}`, peerBytes, now),
      streams: at => this.#streams.get(`peer ${peer}`, peerBytes, at)
    }
  }

  #strangers(prefix: string, now: number): Buckets {
    const ofPrefix = this.#calls.get(`prefix ${prefix}`, this.#rates.prefixCalls, now)
    return {
      calls: [ofPrefix, this.#strangerCalls],
      bytes: this.#strangerBytes,
      streams: at =>
        new PrefixStreams(
          this.#streams.get(`prefix ${prefix}`, this.#prefixStreams, at),
          this.#strangerStreams
        )
    }
  }

  get #prefixStreams(): Rate {
    const { prefixCalls, strangerCalls, strangerBytes } = this.#rates
    const part = Math.min(1, prefixCalls.perSecond / strangerCalls.perSecond)
    return { burst: strangerBytes.burst * part, perSecond: strangerBytes.perSecond * part }
  }
}

interface Buckets {
  readonly calls: readonly TokenBucket[]
  readonly bytes: TokenBucket
  /** Made when something is streamed. */
  readonly streams: (now: number) => Streams
}

interface Streams {
  charge(bytes: number, now: number): number
}

/** A prefix pays from its own bucket and from that of all strangers, which it cannot drive further into debt than its own rate allows. */
class PrefixStreams implements Streams {
  readonly #own: TokenBucket
  readonly #all: TokenBucket

  constructor(own: TokenBucket, all: TokenBucket) {
    this.#own = own
    this.#all = all
  }

  charge(bytes: number, now: number): number {
    const wait = this.#own.charge(bytes, now)
    return wait > MOST_SHARED_DEBT_MS ? wait : Math.max(wait, this.#all.charge(bytes, now))
  }
}

interface OpenOfPeer {
  readonly peer: string
  readonly calls: OpenCalls
  readonly most: number
}

/** Charges strangers' buckets until the connection is no stranger's, then its peer's. */
class SwitchingMeter implements PeerMeter {
  readonly #isStranger: () => boolean
  readonly #strangers: () => Buckets
  readonly #known: () => Buckets
  readonly #open: OpenOfPeer
  #wasStranger: boolean
  #buckets: Buckets
  #streams: Streams | undefined

  constructor(isStranger: () => boolean, strangers: () => Buckets, known: () => Buckets, open: OpenOfPeer) {
    this.#open = open
    this.#isStranger = isStranger
    this.#strangers = strangers
    this.#known = known
    this.#wasStranger = isStranger()
    this.#buckets = this.#wasStranger ? strangers() : known()
  }

  call(bytes: number, now: number): number {
    const { calls, bytes: byteBucket } = this.#current()
    for (const [i, bucket] of calls.entries()) {
      const wait = bucket.take(1, now)
      if (wait > 0) return giveBack(calls.slice(0, i), wait)
    }
    const wait = byteBucket.take(bytes, now)
    return wait > 0 ? giveBack(calls, wait) : 0
  }

  received(bytes: number, now: number): void {
    this.#current().bytes.charge(bytes, now)
  }

  streamed(bytes: number, now: number): number {
    const buckets = this.#current()
    this.#streams ??= buckets.streams(now)
    return this.#streams.charge(bytes, now)
  }

  begin(): boolean {
    const { peer, calls, most } = this.#open
    if (calls.of(peer) >= most) return false
    calls.begin(peer)
    return true
  }

  end(): void {
    this.#open.calls.end(this.#open.peer)
  }

  #current(): Buckets {
    if (this.#wasStranger !== this.#isStranger()) {
      this.#wasStranger = !this.#wasStranger
      this.#buckets = this.#wasStranger ? this.#strangers() : this.#known()
      this.#streams = undefined
    }
    return this.#buckets
  }
}

function giveBack(taken: readonly TokenBucket[], wait: number): number {
  for (const bucket of taken) bucket.giveBack(1)
  return wait
}
