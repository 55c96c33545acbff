import { OapError, tokenBytes } from '../protocols/index.ts'
import { inTime } from './in-time.ts'
import { lifeOf, nextRenewalTime, renewalTime } from './renewal.ts'
import type { Life } from './renewal.ts'
import type { Time } from './time.ts'

/** Timers hold no more than 2^31 - 1 ms; a longer wait is taken in steps. */
const LONGEST_TIMER_MS = 3_600_000

/** Brings a new capability in the place of one that ends. */
export type Refresh = (now: {
  readonly cap: Uint8Array | undefined
}) => Promise<Uint8Array | string> | Uint8Array | string

export interface HolderOptions {
  readonly cap: Uint8Array | undefined
  /** In place of the hub's own renewal. */
  readonly refresh: Refresh | undefined
  /** Asks the hub to renew. */
  readonly renew: () => Promise<Uint8Array>
  readonly time: Time
  /** Of one `refresh`. */
  readonly deadlineMs: number
  /** Told of a renewal that failed; calls go on with what there is. */
  readonly onFailure: (error: unknown) => void
}

/** The capability that calls carry, renewed at two thirds of its life for as long as the client is open. */
export class CapabilityHolder {
  readonly #o: HolderOptions
  #cap: Uint8Array | undefined
  #life: Life | undefined
  #forget: (() => void) | undefined
  #replacing: Promise<void> | undefined
  #isStopped = false

  /** @throws OapError `cap_foreign` for a token that is none */
  constructor(options: HolderOptions) {
    this.#o = options
    this.#cap = options.cap
    this.#life = options.cap === undefined ? undefined : lifeOf(options.cap)
  }

  get cap(): Uint8Array | undefined {
    return this.#cap
  }

  /** Resolves once there is a capability to begin with; throws what `refresh` throws when there was none. */
  async start(): Promise<void> {
    if (this.#cap === undefined && this.#o.refresh !== undefined) await this.#replace()
    this.#plan(this.#life === undefined ? undefined : renewalTime(this.#life))
  }

  stop(): void {
    this.#isStopped = true
    this.#forget?.()
  }

  /**
   * Whether a call that was refused for `used` may be made again: another came since, or `refresh` brings one now.
   */
  async mend(error: unknown, used: Uint8Array | undefined): Promise<boolean> {
    if (!(error instanceof OapError) || error.status !== 401) return false
    if (this.#cap !== used) return true
    if (this.#o.refresh === undefined) return false
    await this.#replaceOnce()
    return this.#cap !== used
  }

  #plan(at: number | undefined): void {
    this.#forget?.()
    const canReplace = this.#o.refresh !== undefined || this.#life?.isRenewable === true
    if (at === undefined || at === Infinity || !canReplace || this.#isStopped) return
    const wait = Math.max(0, at - this.#o.time.wall())
    const step = wait > LONGEST_TIMER_MS ? () => this.#plan(at) : () => void this.#replaceOnce()
    this.#forget = this.#o.time.later(step, Math.min(wait, LONGEST_TIMER_MS))
  }

  #replaceOnce(): Promise<void> {
    this.#replacing ??= this.#replace()
      .then(
        () => this.#plan(this.#life && renewalTime(this.#life)),
        (error: unknown) => this.#failed(error)
      )
      .finally(() => (this.#replacing = undefined))
    return this.#replacing
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return
    this.#o.onFailure(error)
    const isFinal = this.#o.refresh === undefined && error instanceof OapError && error.status === 403
    if (!isFinal && this.#life !== undefined) this.#plan(nextRenewalTime(this.#life, this.#o.time.wall()))
  }

  async #replace(): Promise<void> {
    const { refresh, renew, time, deadlineMs } = this.#o
    const bring = async (): Promise<Uint8Array | string> => refresh!({ cap: this.#cap })
    const given =
      refresh === undefined ? await renew() : await inTime(bring(), { time, ms: deadlineMs, signals: [] })
    const cap = typeof given === 'string' ? tokenBytes(given) : given
    this.#life = lifeOf(cap, time.wall())
    this.#cap = cap
  }
}
