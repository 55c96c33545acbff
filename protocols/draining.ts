import type { CorrId } from './frame.ts'

const DRAINING_MS = 15_000

/**
 * Calls whose answer has ended while their request has not: what is still under way for them is dropped in silence.
 * Remembers at most `most` of them for 15 s; the oldest gives way.
 * @see specs/oap-1.md, section 5.3
 */
export class Draining {
  readonly #until = new Map<CorrId, number>()

  has(corr: CorrId): boolean {
    return this.#until.has(corr)
  }

  add(corr: CorrId, most: number, now: number): void {
    this.#until.set(corr, now + DRAINING_MS)
    if (this.#until.size <= most) return
    const [oldest] = this.#until.keys()
    if (oldest !== undefined) this.#until.delete(oldest)
  }

  delete(corr: CorrId): void {
    this.#until.delete(corr)
  }

  expire(now: number): void {
    for (const [corr, until] of this.#until) if (until <= now) this.#until.delete(corr)
  }

  clear(): void {
    this.#until.clear()
  }
}
