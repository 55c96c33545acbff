/** How long each of many things took, in milliseconds, and how many there were a second. */
export class Times {
  readonly #begunMs: number
  readonly #ms: number[] = []

  constructor(nowMs: number) {
    this.#begunMs = nowMs
  }

  get count(): number {
    return this.#ms.length
  }

  add(ms: number): void {
    this.#ms.push(ms)
  }

  get longestMs(): number {
    return Math.max(0, ...this.#ms)
  }

  /** Rate and percentiles, as in `12.0 tiles/s, p50 3.1 ms, p99 8.0 ms`. */
  text(what: string, nowMs: number): string {
    const seconds = Math.max(0.001, (nowMs - this.#begunMs) / 1000)
    return `${(this.count / seconds).toFixed(1)} ${what}/s, p50 ${this.#share(0.5)} ms, p99 ${this.#share(0.99)} ms`
  }

  #share(share: number): string {
    const sorted = this.#ms.toSorted((a, b) => a - b)
    return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
  }
}
