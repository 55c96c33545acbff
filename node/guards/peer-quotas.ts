import { TokenBucket } from '../../protocols/index.ts'
import { BucketTable, STREAMS_LEAVE } from './bucket-table.ts'
import type { Rate } from './bucket-table.ts'
import { OpenCalls } from './open-calls.ts'

/** Buckets kept of peers and prefixes, whoever comes. */
const CAPACITY = 16_384

export interface PeerRates {
  /** Calls of one known peer, over all its connections. */
  readonly peerCalls: Rate
  /** Frame bytes of one known peer, and as much of answers that are streamed to it. */
  readonly peerBytes: Rate
  /** Calls of all strangers from one IPv4 /24 or IPv6 /64. */
  readonly prefixCalls: Rate
  /** Calls of all strangers together. */
  readonly strangerCalls: Rate
  /** Frame bytes of all strangers together, and as much of answers that are streamed to them. */
  readonly strangerBytes: Rate
  /** Calls of one known peer that may be open at one time. */
  readonly peerInFlight: number
}

/** What the calls of one connection are charged to, before anything they claim is believed. */
export interface PeerMeter {
  /** Yields 0 and counts a call with the bytes of its first frame, or the milliseconds to wait and counts nothing. */
  call(bytes: number, now: number): number
  /** Counts bytes of later frames; yields the milliseconds until streams may go on, 0 for at once. */
  received(bytes: number, now: number): number
  /** The same of streamed answers, which have a rate of their own. */
  sent(bytes: number, now: number): number
  /** Whether one more call may be open at this time, over all connections of its peer; each one is ended. */
  begin(): boolean
  end(): void
}

/** The first quota: by peer for those that have shown who they are, by prefix and in all for strangers. */
export class PeerQuotas {
  readonly #rates: PeerRates
  readonly #calls = new BucketTable(CAPACITY)
  readonly #bytes = new BucketTable(CAPACITY)
  readonly #answers = new BucketTable(CAPACITY)
  readonly #open = new OpenCalls()
  readonly #allStrangers: Buckets

  constructor(rates: PeerRates, now: number) {
    this.#rates = rates
    const { strangerCalls: calls, strangerBytes: bytes } = rates
    const answers = new TokenBucket(bytes.burst, bytes.perSecond, now)
    this.#allStrangers = {
      calls: [new TokenBucket(calls.burst, calls.perSecond, now)],
      bytes: new TokenBucket(bytes.burst, bytes.perSecond, now),
      answers: () => answers
    }
  }

  /** Peers and prefixes that are remembered. */
  get size(): number {
    return this.#calls.size + this.#bytes.size + this.#answers.size
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
      answers: at => this.#answers.get(`peer ${peer}`, peerBytes, at)
    }
  }

  #strangers(prefix: string, now: number): Buckets {
    const ofPrefix = this.#calls.get(`prefix ${prefix}`, this.#rates.prefixCalls, now)
    return { ...this.#allStrangers, calls: [ofPrefix, ...this.#allStrangers.calls] }
  }
}

interface Buckets {
  readonly calls: readonly TokenBucket[]
  readonly bytes: TokenBucket
  /** Made when the first answer is streamed. */
  readonly answers: (now: number) => TokenBucket
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

  received(bytes: number, now: number): number {
    return streamed(this.#current().bytes, bytes, now)
  }

  sent(bytes: number, now: number): number {
    return streamed(this.#current().answers(now), bytes, now)
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
    }
    return this.#buckets
  }
}

function streamed(bucket: TokenBucket, bytes: number, now: number): number {
  bucket.charge(bytes, now)
  return bucket.msUntil(STREAMS_LEAVE, now)
}

function giveBack(taken: readonly TokenBucket[], wait: number): number {
  for (const bucket of taken) bucket.giveBack(1)
  return wait
}
