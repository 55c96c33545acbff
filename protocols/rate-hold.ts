import type { Platform } from './platform.ts'

/** What a timer can count. */
const MOST_MS = 2 ** 31 - 1

/** Waits until bytes that were beyond a rate are paid for: one wait at a time, with one timer. */
export class RateHold {
  readonly #platform: Platform
  #timer: unknown
  #over: (() => void) | undefined

  constructor(platform: Platform) {
    this.#platform = platform
  }

  get isOn(): boolean {
    return this.#over !== undefined
  }

  /** Calls `over` after `ms`, or when it is ended before; does nothing and yields false while an earlier wait lasts. */
  start(ms: number, over: () => void): boolean {
    if (this.#over !== undefined) return false
    this.#over = over
    this.#timer = this.#platform.setTimer(() => this.#end(), Math.min(Math.ceil(ms), MOST_MS))
    return true
  }

  /** Ends the wait at once. */
  end(): void {
    if (this.#over === undefined) return
    this.#platform.clearTimer(this.#timer)
    this.#end()
  }

  #end(): void {
    const over = this.#over
    this.#over = undefined
    this.#timer = undefined
    over?.()
  }
}
