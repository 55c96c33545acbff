const SECOND_MS = 1000

/**
 * How many rejections may be recorded in a second: 10 of one origin, 100 in all. There are as many origins in memory as
 * rejections in that second.
 */
export class Rejections {
  readonly #perOrigin: number
  readonly #inAll: number
  #second = 0
  #origins = new Map<string, number>()
  #sum = 0

  constructor({ perOrigin = 10, inAll = 100 } = {}) {
    this.#perOrigin = perOrigin
    this.#inAll = inAll
  }

  /** Undefined when one more may be recorded, which is then counted; else the time until it may, in milliseconds. */
  wait(origin: string, nowMs: number): number | undefined {
    const second = Math.floor(nowMs / SECOND_MS)
    if (second !== this.#second) {
      this.#second = second
      this.#origins = new Map()
      this.#sum = 0
    }
    const before = this.#origins.get(origin) ?? 0
    if (before >= this.#perOrigin || this.#sum >= this.#inAll) return SECOND_MS - (nowMs % SECOND_MS)
    this.#origins.set(origin, before + 1)
    this.#sum++
    return undefined
  }
}
