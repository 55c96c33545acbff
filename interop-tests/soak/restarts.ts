/** Announces restarts of the node: a call that meets one says nothing about its availability. */
export class Restarts {
  readonly #now: () => number
  #isOn = false
  #lastEnd = -Infinity
  #count = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Restarts so far. */
  get count(): number {
    return this.#count
  }

  /** Announces a restart, which lasts until `restart` has resolved: the node serves again. */
  async during(restart: () => Promise<void>): Promise<void> {
    this.#isOn = true
    this.#count++
    try {
      await restart()
    } finally {
      this.#isOn = false
      this.#lastEnd = this.#now()
    }
  }

  /** True for a call made at `sinceMs` and ended now, when there was a restart in between. */
  met(sinceMs: number): boolean {
    return this.#isOn || sinceMs <= this.#lastEnd
  }
}
