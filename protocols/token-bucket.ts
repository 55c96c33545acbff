/** Allows `burst` at once, then `perSecond`. Time is in milliseconds and given by the caller. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  /** Begins full, or with `tokens`. */
  constructor(burst: number, perSecond: number, now: number, tokens = burst) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = tokens
    this.#at = now
  }

  /**
   * Takes `n` tokens and returns 0, or takes none and returns the milliseconds until they are there.
   * Whoever wants more than the burst waits for a full bucket and leaves a debt.
   */
  take(n: number, now: number): number {
    this.#refill(now)
    const needed = Math.min(n, this.#burst)
    if (this.#tokens < needed) return ((needed - this.#tokens) / this.#perSecond) * 1000
    this.#tokens -= n
    return 0
  }

  /**
   * Takes `n` tokens, or gives back if negative, and yields the milliseconds until they are there. What is missing is a
   * debt, which whoever comes later waits for too: those who wait go on one after the other, in their order.
   */
  charge(n: number, now: number): number {
    this.#refill(now)
    this.#tokens = Math.min(this.#burst, this.#tokens - n)
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000
  }

  /** Gives back `n` tokens that were taken for what then did not happen. */
  giveBack(n: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + n)
  }

  /** Milliseconds until it is full, if nothing more is taken. */
  msUntilFull(now: number): number {
    this.#refill(now)
    return ((this.#burst - this.#tokens) / this.#perSecond) * 1000
  }

  #refill(now: number): void {
    const seconds = Math.max(0, now - this.#at) / 1000
    this.#tokens = Math.min(this.#burst, this.#tokens + seconds * this.#perSecond)
    this.#at = Math.max(this.#at, now)
  }
}
