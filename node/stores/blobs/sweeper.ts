import type { Level } from '../level.ts'
import { decodeHold } from './hold-value.ts'
import { KIND, blockKey, holdKey, holdsOf, lastHex, overKey, rangeOf } from './keys.ts'
import type { Writer } from './writer.ts'

const ROWS_AT_ONCE = 512

/** Takes away the holds of uploads that are over; what they alone held becomes garbage. */
export class Sweeper {
  readonly #level: Level
  readonly #writer: Writer
  readonly #waiting = new Set<string>()
  #running: Promise<void> | undefined
  #isClosed = false

  constructor(level: Level, writer: Writer) {
    this.#level = level
    this.#writer = writer
  }

  /** What is not done when the store closes is done after the next opening. */
  add(upload: string): void {
    this.#waiting.add(upload)
    this.#running ??= this.#run()
  }

  /** Adds what was left over; up to 1024. */
  async addLeft(): Promise<void> {
    for (const key of await this.#level.keys({ ...rangeOf(KIND.over), limit: 1024 }).all())
      this.add(key.slice(1))
  }

  /** Resolves when nothing waits; to be called before a collection. */
  async idle(): Promise<void> {
    await this.addLeft()
    await this.#running
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      for (const upload of this.#waiting) {
        while (!this.#isClosed && (await this.#some(upload)));
        this.#waiting.delete(upload)
      }
    } catch {
      // The store has failed, and says so to whoever writes next.
      this.#waiting.clear()
    } finally {
      this.#running = undefined
    }
  }

  /** Whether there may be more. */
  async #some(upload: string): Promise<boolean> {
    const found = await this.#level.keys({ ...holdsOf(upload), limit: ROWS_AT_ONCE }).all()
    const hexes = found.map(lastHex)
    const isLast = found.length < ROWS_AT_ONCE
    await this.#writer.commit({
      records: [],
      keys: hexes.flatMap(hex => [blockKey(hex), holdKey(upload, hex)]),
      apply(rows) {
        for (const hex of hexes) {
          const key = holdKey(upload, hex)
          const value = rows.get(key)
          if (value !== undefined && decodeHold(value).isHeld) rows.release(hex)
          rows.del(key)
        }
        if (isLast) rows.del(overKey(upload))
      }
    })
    return !isLast
  }
}
