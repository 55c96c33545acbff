import type { AbstractIterator } from 'abstract-level'
import type { Level } from '../level.ts'
import { KIND, PREFIX, allOf, nameOf, parsePlace } from './keys.ts'
import type { Range } from './keys.ts'
import { countedBytes } from './live-rows.ts'
import { decodeRecord } from './record.ts'
import type { Record } from './record.ts'
import { addInto, count, none } from './tallies.ts'
import type { Numbers } from './tallies.ts'
import { STATES } from './types.ts'
import type { Place, State } from './types.ts'

const AT_ONCE = 1000
const AT_ONCE_BYTES = 1024 * 1024

/** Rows of a range one after the other, read some at a time. To be closed. */
export class Rows {
  readonly #iterator: AbstractIterator<Level, string, Uint8Array>
  #read: readonly [string, Uint8Array][] = []
  #at = 0

  constructor(level: Level, range: Range) {
    const options = { ...range, highWaterMarkBytes: AT_ONCE_BYTES, fillCache: false }
    this.#iterator = level.iterator<string, Uint8Array>(options)
  }

  /** The next row, which stays the next until `take`. */
  async peek(): Promise<readonly [string, Uint8Array] | undefined> {
    if (this.#at === this.#read.length) {
      this.#read = await this.#iterator.nextv(AT_ONCE)
      this.#at = 0
    }
    return this.#read[this.#at]
  }

  take(): void {
    this.#at++
  }

  async close(): Promise<void> {
    await this.#iterator.close()
  }
}

export interface MessageRow {
  readonly key: string
  readonly bytes: Uint8Array
  readonly state: State
  readonly place: Place
  readonly record: Record
}

export interface MessageSink {
  readonly message: (row: MessageRow) => void | Promise<void>
  /** `place` where at least the key can be read. */
  readonly corrupt: (row: {
    readonly key: string
    readonly bytes: Uint8Array
    readonly state: State
    readonly place: Place | undefined
    readonly detail: string
  }) => void | Promise<void>
}

/**
 * Counts all messages of a store, topic by topic in the order of their names, in a memory that does not grow with it.
 * `sink` sees each on the way. To be closed.
 */
export class TopicSums {
  readonly #rows: readonly (readonly [State, Rows])[]
  readonly #sink: MessageSink

  constructor(level: Level, sink: MessageSink) {
    this.#rows = STATES.map(state => [state, new Rows(level, allOf(KIND[state]))] as const)
    this.#sink = sink
  }

  /** The next topic that has a message which can be read; undefined after the last. */
  async next(): Promise<{ readonly name: string; readonly numbers: Numbers } | undefined> {
    const names = (await Promise.all(this.#rows.map(([state, rows]) => this.#topicAt(state, rows)))).filter(
      name => name !== undefined
    )
    const name = names.sort((a, b) => (a < b ? -1 : 1))[0]
    if (name === undefined) return undefined
    const numbers = none()
    for (const [state, rows] of this.#rows) addInto(numbers, await this.#sum(state, rows, name))
    return { name, numbers }
  }

  async close(): Promise<void> {
    for (const [, rows] of this.#rows) await rows.close()
  }

  async #topicAt(state: State, rows: Rows): Promise<string | undefined> {
    for (let row = await rows.peek(); row !== undefined; row = await rows.peek()) {
      const [key, bytes] = row
      const place = placeOf(key)
      if (place !== undefined) return nameOf(place)
      await this.#sink.corrupt({ key, bytes, state, place, detail: 'the key is none of a message' })
      rows.take()
    }
    return undefined
  }

  async #sum(state: State, rows: Rows, name: string): Promise<Numbers> {
    const numbers = none()
    while ((await this.#topicAt(state, rows)) === name) {
      const [key, bytes] = (await rows.peek())!
      rows.take()
      const place = placeOf(key)!
      const record = decodeRecord(key, bytes)
      if (typeof record === 'string') {
        await this.#sink.corrupt({ key, bytes, state, place, detail: record })
        continue
      }
      count(numbers, state, record.priority, countedBytes(record, bytes), 1)
      const whole = state === 'dead' ? { ...place, priority: record.priority } : place
      await this.#sink.message({ key, bytes, state, place: whole, record })
    }
    return numbers
  }
}

const placeOf = (key: string): Place | undefined => parsePlace(key.slice(PREFIX.length + 1))
