const NOTABLE_STEP_MS = 60_000

export interface ClockSources {
  /** Milliseconds since 1970 by the machine's clock, which people and programs set. */
  readonly wall: () => number
  /** Milliseconds that never go back. */
  readonly monotonic: () => number
  /** Told, once a step, that the machine's clock was set back by more than a minute. */
  readonly onStepBack: (ms: number) => void
}

/**
 * The time by which capabilities expire: that of the machine's clock, or that of the start plus what has gone by since,
 * whichever is later. Setting the clock back brings no capability back to life.
 */
export class SteadyClock {
  readonly #sources: ClockSources
  readonly #startWall: number
  readonly #startMonotonic: number
  #lastWall: number
  #lastMonotonic: number

  constructor({
    wall = Date.now,
    monotonic = () => performance.now(),
    onStepBack = () => undefined
  }: Partial<ClockSources> = {}) {
    this.#sources = { wall, monotonic, onStepBack }
    this.#startWall = this.#lastWall = wall()
    this.#startMonotonic = this.#lastMonotonic = monotonic()
  }

  /** Milliseconds since 1970. */
  now(): number {
    const wall = this.#sources.wall()
    const monotonic = this.#sources.monotonic()
    const stepBack = this.#lastWall + (monotonic - this.#lastMonotonic) - wall
    this.#lastWall = wall
    this.#lastMonotonic = monotonic
    if (stepBack > NOTABLE_STEP_MS) this.#sources.onStepBack(Math.round(stepBack))
    return Math.max(wall, Math.floor(this.#startWall + monotonic - this.#startMonotonic))
  }

  /** Whole seconds since 1970. */
  seconds(): number {
    return Math.floor(this.now() / 1000)
  }
}
