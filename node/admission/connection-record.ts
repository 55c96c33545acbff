import type { ConnectionState, HelloRequest, Limits } from '../../protocols/index.ts'
import { OapError, RefusalPace, TokenBucket, agree, clampRetryAfter } from '../../protocols/index.ts'
import type { PeerMeter } from '../guards/peer-quotas.ts'
import { ConnectionBudget } from './inbound-budget.ts'
import type { NodeBudget } from './inbound-budget.ts'

export interface ConnectionBounds {
  readonly limits: Limits
  readonly helloBurst: number
  readonly helloPerSecond: number
  readonly strangerBytes: number
  readonly strangerCalls: number
  readonly strangerStreams: number
}

/** What the node knows and allows of one connection, beside its sessions. */
export interface ConnectionStanding {
  readonly peer: string
  readonly isOneCall?: boolean
  /** True until the connection has shown a link or a verified token. */
  isStranger(): boolean
  callStarted(): void
  callEnded(): void
  /** A capability was verified: from now on it is known, whatever becomes of a link. */
  proved(): void
  /** Why the whole node takes no call at this moment, if it does not. */
  refusal(): OapError | undefined
  /** What its calls are charged to. */
  readonly meter: PeerMeter
}

/** One connection's budget, limits and counts: the first guard, which believes no claim of a frame. */
export class ConnectionRecord implements ConnectionState {
  readonly peer: string
  readonly isOneCall: boolean
  readonly budget: ConnectionBudget
  readonly #bounds: ConnectionBounds
  readonly #standing: ConnectionStanding
  readonly #hello: TokenBucket
  readonly #refusals: RefusalPace
  readonly #now: () => number
  #limits: Limits
  #isSettled = false
  #calls = 0
  #streams = 0

  constructor(node: NodeBudget, bounds: ConnectionBounds, standing: ConnectionStanding, now: () => number) {
    this.peer = standing.peer
    this.isOneCall = standing.isOneCall ?? false
    this.#bounds = bounds
    this.#standing = standing
    this.#limits = bounds.limits
    this.#hello = new TokenBucket(bounds.helloBurst, bounds.helloPerSecond, now())
    this.#refusals = new RefusalPace(now())
    this.#now = now
    this.budget = new ConnectionBudget(node, bounds.strangerBytes, () => standing.isStranger())
  }

  get limits(): Limits {
    return this.#limits
  }

  get callsOpen(): number {
    return this.#calls
  }

  settle(asked: HelloRequest): Limits {
    if (!this.#isSettled) this.#limits = agree(this.#bounds.limits, asked)
    this.#isSettled = true
    return this.#limits
  }

  takeHello(): boolean {
    return this.#hello.take(1, this.#now()) === 0
  }

  openCall(bytes: number): OapError | undefined {
    const refusal = this.#standing.refusal()
    if (refusal !== undefined) return refusal
    if (this.#standing.isStranger() && this.#calls >= this.#bounds.strangerCalls) {
      return new OapError(
        'quota_peer',
        `a connection without a capability may have ${this.#calls} calls open`
      )
    }
    const wait = this.#standing.meter.call(bytes, this.#now())
    if (wait > 0) return new OapError('quota_peer', undefined, { retryAfterMs: clampRetryAfter(wait) })
    if (!this.#standing.meter.begin()) return new OapError('quota_peer', 'this peer has too many calls open')
    this.#calls++
    this.#standing.callStarted()
    return undefined
  }

  received(bytes: number): void {
    this.#standing.meter.received(bytes, this.#now())
  }

  streamed(bytes: number): number {
    return this.#standing.meter.streamed(bytes, this.#now())
  }

  refused(calls: number): number {
    return this.#refusals.refused(calls, this.#now())
  }

  proved(): void {
    this.#standing.proved()
  }

  /** It has a link now, or none any more. */
  standingChanged(): void {
    this.budget.review()
  }

  endCall(): void {
    this.#calls--
    this.#standing.meter.end()
    this.#standing.callEnded()
  }

  /** Counts a stream; false when a stranger has its share already. */
  openStream(): boolean {
    if (this.#standing.isStranger() && this.#streams >= this.#bounds.strangerStreams) return false
    this.#streams++
    return true
  }

  closeStream(): void {
    this.#streams--
  }
}
