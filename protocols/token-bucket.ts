/** Allows `burst` at once, then `perSecond`. Time is in milliseconds and given by the caller. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#at = now
  }

  /** Takes `n` tokens and returns 0, or takes none and returns the milliseconds until they are there. */
  take(n: number, now: number): number {
    this.#tokens = Math.min(
      this.#burst,
      this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#perSecond
    )
    this.#at = now
    if (this.#tokens >= n) {
      this.#tokens -= n
      return 0
    }
    return ((n - this.#tokens) / this.#perSecond) * 1000
  }
}
