import { OapError, tokenBytes } from '../protocols/index.ts'
import { inTime } from './in-time.ts'
import { hardlyLasts, lifeOf, renewalBackoff, renewalTime, waitAfterFailure } from './renewal.ts'
import type { Life } from './renewal.ts'
import type { Time } from './time.ts'

/** Timers hold no more than 2^31 - 1 ms; a longer wait is taken in steps. */
const LONGEST_TIMER_MS = 3_600_000

/** So often a subscription that was refused has a new capability asked for. */
const PATIENT_ASKS = 3

/** Brings a new capability in the place of one that ends. */
export type Refresh = (now: {
  readonly cap: Uint8Array | undefined
}) => Promise<Uint8Array | string> | Uint8Array | string

/** What a hub answers to a renewal. */
export interface Renewed {
  readonly cap: Uint8Array
  /** The hub's time in Unix milliseconds, where it says it. */
  readonly now: number | undefined
}

export interface HolderOptions {
  readonly cap: Uint8Array | undefined
  /** In place of the hub's own renewal. */
  readonly refresh: Refresh | undefined
  /** Asks the hub to renew, where there is a way to. */
  readonly renew: (() => Promise<Renewed>) | undefined
  readonly time: Time
  /** Of one `refresh`. */
  readonly deadlineMs: number
  /** Told of a renewal that failed; calls go on with what there is. What it throws is dropped. */
  readonly onFailure: (error: unknown) => void
}

/**
 * The capability that calls carry, renewed at two thirds of its life for as long as the client is open. Whatever comes,
 * a second at least lies between one renewal and the next, and up to a minute where they fail or bring nothing that
 * lasts. The hub's clock counts where it is known.
 */
export class CapabilityHolder {
  readonly #o: HolderOptions
  #cap: Uint8Array | undefined
  #life: Life | undefined
  /** What the hub's clock was ahead of the wall's when it last told its time. */
  #aheadMs = 0
  /** What the hub's clock is ahead, at least, of the one that never goes back: clocks that are set do not change it. */
  #leastAheadMs = -Infinity
  /** When the token that this follows from was minted. */
  #mintedAt: number | undefined
  /** Renewals in a row that failed or brought nothing that lasts. */
  #fruitless = 0
  /** By the clock that never goes back: until then nothing is asked for. */
  #quietUntil = -Infinity
  #forget: (() => void) | undefined
  #replacing: Promise<void> | undefined
  #isStopped = false

  /** @throws OapError `cap_foreign` for a token that is none */
  constructor(options: HolderOptions) {
    this.#o = options
    if (options.cap !== undefined) {
      this.#life = this.#lifeOf(options.cap)
      this.#cap = options.cap
    }
  }

  get cap(): Uint8Array | undefined {
    return this.#cap
  }

  /** Resolves once there is a capability to begin with; throws what `refresh` throws when there was none. */
  async start(): Promise<void> {
    if (this.#cap !== undefined) return this.#plan(renewalTime(this.#life!) - this.#hubNow())
    if (this.#o.refresh === undefined) return
    await this.#replace()
    this.#replaced(undefined)
  }

  stop(): void {
    this.#isStopped = true
    this.#forget?.()
  }

  /**
   * Whether a call that was refused for `used` may be made again: another came since, or `refresh` brings one now. Where
   * it just brought the same, or failed, it is not asked again at once: that is waited for only with `patience`, some
   * times, until this aborts.
   */
  async mend(error: unknown, used: Uint8Array | undefined, patience?: AbortSignal): Promise<boolean> {
    if (!(error instanceof OapError) || error.status !== 401) return false
    if (this.#cap !== used) return true
    const { refresh, time } = this.#o
    if (refresh === undefined) return false
    const asks = patience === undefined ? 1 : PATIENT_ASKS
    for (let asked = 0; asked < asks && this.#cap === used && !this.#isStopped; asked++) {
      const quietMs = this.#replacing === undefined ? this.#quietUntil - time.now() : 0
      if (quietMs > 0) {
        if (patience === undefined) return false
        await time.pause(quietMs, patience)
        if (patience.aborted) return false
      }
      if (this.#cap === used) await this.#replaceOnce(used)
    }
    return this.#cap !== used
  }

  #hubNow(): number {
    const { time } = this.#o
    return Math.max(time.wall() + this.#aheadMs, time.now() + this.#leastAheadMs)
  }

  #plan(waitMs: number): void {
    this.#forget?.()
    const { time, refresh, renew } = this.#o
    const canReplace = refresh !== undefined || (renew !== undefined && this.#life?.isRenewable === true)
    if (waitMs === Infinity || !canReplace || this.#isStopped) return
    // A clock that is set back does not put it off, one that went on while the machine slept counts.
    const due = { now: time.now() + waitMs, wall: time.wall() + waitMs }
    const wait = (): void => {
      const leftMs = Math.max(0, Math.min(due.now - time.now(), due.wall - time.wall()))
      const isLast = leftMs <= LONGEST_TIMER_MS
      const step = isLast ? () => void this.#replaceOnce(undefined) : wait
      this.#forget = time.later(step, Math.min(leftMs, LONGEST_TIMER_MS))
    }
    wait()
  }

  /** `refused` is the capability that the hub does not take any more, where that is why another is asked for. */
  #replaceOnce(refused: Uint8Array | undefined): Promise<void> {
    this.#replacing ??= this.#replace()
      .then(
        () => this.#replaced(refused),
        (error: unknown) => this.#failed(error)
      )
      .finally(() => (this.#replacing = undefined))
    return this.#replacing
  }

  #replaced(refused: Uint8Array | undefined): void {
    const now = this.#hubNow()
    const life = this.#life!
    const isRefused = refused !== undefined && this.#cap === refused
    const isFruitless = isRefused || hardlyLasts(life, now)
    this.#fruitless = isFruitless ? this.#fruitless + 1 : 0
    const least = isFruitless ? renewalBackoff(this.#fruitless, this.#o.time.random()) : 0
    if (isRefused) this.#quietUntil = this.#o.time.now() + least
    this.#plan(Math.max(renewalTime(life) - now, least))
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return
    this.#fruitless++
    const leftMs = this.#life === undefined ? 0 : this.#life.until - this.#hubNow()
    const wait = waitAfterFailure(error, this.#fruitless, leftMs, this.#o.time.random())
    this.#quietUntil = this.#o.time.now() + wait
    if (this.#o.refresh !== undefined || !isFinal(error, leftMs)) this.#plan(wait)
    // Of the application: what it throws must not end what goes on here.
    void (async () => this.#o.onFailure(error))().catch(() => undefined)
  }

  async #replace(): Promise<void> {
    const { refresh, renew, time, deadlineMs } = this.#o
    if (refresh === undefined) {
      const { cap, now } = await renew!()
      return this.#take(cap, now)
    }
    const bring = async (): Promise<Uint8Array | string> => refresh({ cap: this.#cap })
    const given = await inTime(bring(), { time, ms: deadlineMs, signals: [] })
    const cap = typeof given === 'string' ? tokenBytes(given.trim()) : given
    this.#take(cap)
  }

  /** For what came just now, at `told` where the hub says it. */
  #take(cap: Uint8Array, told?: number): void {
    this.#life = { ...this.#lifeOf(cap, told), from: this.#hubNow() }
    // The same bytes are the same capability: who was refused for it need not try again.
    if (this.#cap === undefined || !isEqual(this.#cap, cap)) this.#cap = cap
  }

  #lifeOf(cap: Uint8Array, told?: number): Life {
    const life = lifeOf(cap)
    const { time } = this.#o
    if (told !== undefined) this.#aheadMs = told - time.wall()
    // No hub's clock is behind the time at which it minted. A token that is only renewed says nothing new of it.
    if (told !== undefined || life.from !== this.#mintedAt)
      this.#leastAheadMs = Math.max(told ?? -Infinity, life.from) - time.now()
    this.#mintedAt = life.from
    return life
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

/** True for an answer after which another renewal would be refused, too. */
const isFinal = (error: unknown, leftMs: number): boolean =>
  error instanceof OapError && (error.status === 403 || (error.status === 401 && leftMs <= 0))
