/**
 * Milliseconds in which the event loop turned. A pause of the process, for its collector or for want of a processor, counts
 * for `mostMs` at most, so that what waited through it does not seem slow itself.
 */
export class AwakeTime {
  readonly #mostMs: number
  #beforeTick = 0
  #tickedAt: number

  /** `mostMs` is longer than ticks are apart. */
  constructor(mostMs: number, now: number) {
    this.#mostMs = mostMs
    this.#tickedAt = now
  }

  /** To be called from a timer. */
  tick(now: number): void {
    this.#beforeTick = this.at(now)
    this.#tickedAt = now
  }

  at(now: number): number {
    return this.#beforeTick + Math.min(now - this.#tickedAt, this.#mostMs)
  }
}
