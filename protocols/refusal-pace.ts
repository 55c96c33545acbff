import { TokenBucket } from './token-bucket.ts'

/** Calls refused with 429 that cost a connection nothing: in one go, and each second. */
const AT_ONCE = 100
const PER_SECOND = 1000
/** What a connection owes is waited for in spans of at least so long: one timer for many refusals. */
const LEAST_HOLD_MS = 10
/** No more is owed, however many calls were refused: nothing is held for longer. */
const MOST_HOLD_MS = 1000

/**
 * How fast the calls of a connection are refused. To refuse is cheap, but not free: a caller who comes again at once,
 * as often as it can, would take the processor from callers within their quotas.
 * @see specs/oap-1.md, section 7
 */
export class RefusalPace {
  readonly #bucket: TokenBucket

  constructor(now: number) {
    this.#bucket = new TokenBucket(AT_ONCE, PER_SECOND, now)
  }

  /** Counts so many refusals; yields the milliseconds for which nothing should be read, 0 for none. */
  refused(calls: number, now: number): number {
    const owed = this.#bucket.charge(calls, now)
    if (owed < LEAST_HOLD_MS) return 0
    if (owed <= MOST_HOLD_MS) return owed
    this.#bucket.giveBack(calls)
    return MOST_HOLD_MS
  }
}
