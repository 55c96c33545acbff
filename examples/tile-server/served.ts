/** The newest so many are in the percentiles. */
const KEPT = 10_000

/** How many tiles were served, how many bytes, how fast. Times are milliseconds of a clock that only goes forward. */
export class Served {
  readonly #begunMs: number
  readonly #took: number[] = []
  #tiles = 0
  #bytes = 0
  #refused = 0

  constructor(nowMs: number) {
    this.#begunMs = nowMs
  }

  get tiles(): number {
    return this.#tiles
  }

  tile(bytes: number, tookMs: number): void {
    this.#took[this.#tiles % KEPT] = tookMs
    this.#tiles++
    this.#bytes += bytes
  }

  refused(): void {
    this.#refused++
  }

  /** One line. */
  text(nowMs: number): string {
    const seconds = Math.max(0.001, (nowMs - this.#begunMs) / 1000)
    const sorted = this.#took.toSorted((a, b) => a - b)
    const parts = [
      `${this.#tiles} tiles`,
      `${this.#refused} refused`,
      `${(this.#tiles / seconds).toFixed(1)} tiles/s`,
      `${(this.#bytes / seconds / 1_048_576).toFixed(2)} MiB/s`,
      `p50 ${percentile(sorted, 0.5)} ms`,
      `p99 ${percentile(sorted, 0.99)} ms`
    ]
    return parts.join(', ')
  }
}

const percentile = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
