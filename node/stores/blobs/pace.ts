import { setTimeout as delay } from 'node:timers/promises'

/** Waits so many milliseconds; rejects when `signal` aborts first. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>

export const systemSleep: Sleep = (ms, signal) => delay(ms, undefined, { signal })

/** Of all time, what work beside readers and writers takes. */
const SHARE = 0.25
const LONGEST_MS = 250

/** Keeps work to a share of the time: after each piece it rests for as long as that piece asks for. */
export class Pace {
  readonly #now: () => number
  readonly #sleep: Sleep
  #began: number

  constructor(now: () => number, sleep: Sleep) {
    this.#now = now
    this.#sleep = sleep
    this.#began = now()
  }

  async rest(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const workedMs = this.#now() - this.#began
    await this.#sleep(Math.min(LONGEST_MS, (workedMs * (1 - SHARE)) / SHARE), signal)
    this.#began = this.#now()
  }
}
