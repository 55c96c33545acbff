import type { Platform } from './platform.ts'

/** The longest wait before the rates are asked again. */
const MOST_MS = 1000

/**
 * Waits until bytes that were beyond a rate are paid for: one wait at a time, with one timer. What is to wait is held
 * back meanwhile, never dropped.
 */
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

  /** Calls `over` once `waitMs`, asked again after each wait, yields 0; nothing while an earlier wait lasts. */
  until(waitMs: () => number, over: () => void): void {
    if (this.#over !== undefined) return
    this.#over = over
    this.#wait(waitMs)
  }

  /** Ends the wait at once. */
  end(): void {
    if (this.#over === undefined) return
    this.#platform.clearTimer(this.#timer)
    this.#end()
  }

  #wait(waitMs: () => number): void {
    const ms = waitMs()
    if (ms <= 0) return this.#end()
    this.#timer = this.#platform.setTimer(() => this.#wait(waitMs), Math.min(Math.ceil(ms), MOST_MS))
  }

  #end(): void {
    const over = this.#over
    this.#over = undefined
    this.#timer = undefined
    over?.()
  }
}
