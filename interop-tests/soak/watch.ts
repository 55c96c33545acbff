import type { Availability } from './availability.ts'
import type { Restarts } from './restarts.ts'

/** Told of each call that was answered outside of restarts, with the milliseconds that it took. */
export type Answered = (kind: string, ms: number) => void

/** Sees to it that each call of a run counts, once and with its time, or that it met a restart. */
export class Watch {
  readonly #restarts: Restarts
  readonly #availability: Availability
  readonly #answered: Answered
  readonly #now: () => number

  constructor(
    restarts: Restarts,
    availability: Availability,
    answered: Answered,
    now: () => number = () => performance.now()
  ) {
    this.#restarts = restarts
    this.#availability = availability
    this.#answered = answered
    this.#now = now
  }

  /** Makes a call of a kind; settles as it does. */
  async call<T>(kind: string, make: () => Promise<T>): Promise<T> {
    const since = this.#now()
    try {
      const value = await make()
      if (this.met(since)) this.#availability.metRestart()
      else {
        this.#availability.answered()
        this.#answered(kind, this.#now() - since)
      }
      return value
    } catch (error) {
      if (this.met(since)) this.#availability.metRestart()
      else this.#availability.failed(kind, error)
      throw error
    }
  }

  /** True when there was a restart between `sinceMs` and now. */
  met(sinceMs: number): boolean {
    return this.#restarts.met(sinceMs)
  }

  now(): number {
    return this.#now()
  }
}
