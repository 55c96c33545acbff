import { ENDS } from './ends.ts'
import type { EndCode } from './ends.ts'

/** A provider that is not to be asked, until when, and for what. */
export interface Bar {
  readonly code: EndCode
  readonly untilMs: number
}

interface Blamed extends Bar {
  readonly times: number
}

/** More are remembered of nobody. */
const MOST_BLAMED = 1024
/** Each further offence doubles the time, up to a day; after a day without one they are counted anew. */
const MOST_MS = 24 * 3_600_000

/**
 * Whom not to ask for a while, by what their answers were. In memory, of bounded size: the one whose bar ends first is
 * forgotten for another. Times are by a clock that never goes back.
 */
export class BlameBook {
  readonly #most: number
  readonly #blamed = new Map<string, Blamed>()

  constructor(most: number = MOST_BLAMED) {
    this.#most = most
  }

  get size(): number {
    return this.#blamed.size
  }

  /** Takes note of an answer's end. What is no offence is not noted, and takes nothing back. */
  note(provider: string, code: EndCode, nowMs: number): void {
    const { barMs } = ENDS[code]
    if (barMs === 0) return
    const before = this.#blamed.get(provider)
    const times = before !== undefined && nowMs - before.untilMs < MOST_MS ? before.times + 1 : 1
    const untilMs = nowMs + Math.min(MOST_MS, barMs * 2 ** (times - 1))
    this.#blamed.set(provider, { code, untilMs, times })
    if (this.#blamed.size > this.#most) this.#forgetOne(nowMs)
  }

  /** Undefined when the provider may be asked. */
  barOf(provider: string, nowMs: number): Bar | undefined {
    const blamed = this.#blamed.get(provider)
    return blamed !== undefined && blamed.untilMs > nowMs ? blamed : undefined
  }

  #forgetOne(nowMs: number): void {
    let first: string | undefined
    let untilMs = Infinity
    for (const [provider, blamed] of this.#blamed) {
      if (blamed.untilMs >= untilMs) continue
      first = provider
      untilMs = blamed.untilMs
      if (untilMs <= nowMs) break
    }
    if (first !== undefined) this.#blamed.delete(first)
  }
}
