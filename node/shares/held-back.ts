import { seriesText } from './rows.ts'
import type { SeriesName } from './rows.ts'

/** Announcements that wait; beyond it they are passed on at once. */
export const MOST_HELD_BACK = 1024
/** So long an announcement waits at the most, and as much longer as it takes to look again. */
export const HELD_BACK_MS = 500

interface HeldBack {
  readonly name: SeriesName
  readonly number: number
  readonly untilMs: number
  readonly passOn: () => void
}

/**
 * Announcements that are passed on once what they tell of is here, so that whoever hears of it from this hub can have it
 * of this hub.
 */
export class HeldBackAnnouncements {
  readonly #nowMs: () => number
  readonly #bySeries = new Map<string, Set<HeldBack>>()
  #count = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get count(): number {
    return this.#count
  }

  /** Resolves once `came` says that the number is here, or when it has waited long enough; undefined for one too many. */
  hold(name: SeriesName, number: number): Promise<void> | undefined {
    if (this.#count >= MOST_HELD_BACK) return undefined
    const { promise, resolve: passOn } = Promise.withResolvers<void>()
    const key = seriesText(name)
    const held = this.#bySeries.get(key) ?? new Set()
    held.add({ name, number, untilMs: this.#nowMs() + HELD_BACK_MS, passOn })
    this.#bySeries.set(key, held)
    this.#count++
    return promise
  }

  /** Something of a series came, and is durable. */
  came(name: SeriesName, isHere: (number: number) => boolean): void {
    this.#release(seriesText(name), ({ number }) => isHere(number))
  }

  /** For a timer: yields the series of those that have waited long enough, which are passed on. */
  tick(): readonly SeriesName[] {
    const nowMs = this.#nowMs()
    const late = [...this.#bySeries.keys()].flatMap(key => this.#release(key, one => one.untilMs <= nowMs))
    return [...new Map(late.map(({ name }) => [seriesText(name), name])).values()]
  }

  #release(key: string, isOver: (one: HeldBack) => boolean): readonly HeldBack[] {
    const held = this.#bySeries.get(key)
    const over = [...(held ?? [])].filter(isOver)
    for (const one of over) {
      held!.delete(one)
      this.#count--
      one.passOn()
    }
    if (held?.size === 0) this.#bySeries.delete(key)
    return over
  }
}
