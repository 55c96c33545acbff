import type { Time } from './time.ts'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A clock that a test moves. Pauses and timers end when it passes them. */
export class ManualTime implements Time {
  #now = 0
  #start: number
  #timers: readonly Timer[] = []

  /** Unix milliseconds to begin at. */
  constructor(start = 0) {
    this.#start = start
  }

  now = (): number => this.#now
  wall = (): number => this.#start + this.#now
  random = (): number => 0.5

  later = (run: () => void, ms: number): (() => void) => {
    const timer = { at: this.#now + ms, run }
    this.#timers = [...this.#timers, timer]
    return () => (this.#timers = this.#timers.filter(each => each !== timer))
  }

  pause = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise(resolve => {
      const forget = this.later(resolve, ms)
      signal?.addEventListener('abort', () => {
        forget()
        resolve()
      })
    })

  /** Sets the clock of the wall back, as people do. */
  setBack(ms: number): void {
    this.#start -= ms
  }

  /** How long the timers that run have left, in their order. */
  get waiting(): readonly number[] {
    return this.#timers.map(({ at }) => at - this.#now).sort((a, b) => a - b)
  }

  pass(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter(each => each !== next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = until
  }
}
