export interface LoopWatch {
  /** Called many times a second, with the time in milliseconds. */
  tick(now: number): void
  /** The longest delay of the event loop in milliseconds since this was last called. */
  take(now: number): number
}

/**
 * How long turns of the event loop last beyond what they should, from a timer that is called in each. Histograms of the
 * platform forget, whenever they are emptied, when the turn began that is under way: they see nothing of turns that are
 * as long as their readings are apart.
 */
export class LoopDelay implements LoopWatch {
  readonly #tickMs: number
  #seenAt: number | undefined
  #longestMs = 0

  /** `tickMs` is how often `tick` is called while nothing holds the event loop up; what was before the first is no delay. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs
  }

  tick(now: number): void {
    const lateMs = this.#seenAt === undefined ? 0 : now - this.#seenAt - this.#tickMs
    this.#longestMs = Math.max(this.#longestMs, lateMs)
    this.#seenAt = now
  }

  /** One turn is told once, whichever timer comes first. */
  take(now: number): number {
    if (this.#seenAt !== undefined) this.tick(now)
    const longestMs = this.#longestMs
    this.#longestMs = 0
    return longestMs
  }
}
