import type { Level } from '../level.ts'
import { KIND, row, sortable, topicOf } from './keys.ts'
import { sealedJson } from './seal.ts'
import { count, none } from './tallies.ts'
import type { Numbers, Tally } from './tallies.ts'
import type { State } from './types.ts'

/** What LevelDB adds to a row in its log, at the most. */
const ROW_BYTES = 11

/** Whoever waits for what was composed to be written. */
export interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

/** What the row of a batch tells: the last id so far, and what it changed in the counts of which topic. */
export interface BatchRow {
  readonly id: string | undefined
  readonly counts: readonly (readonly [tenant: string, topic: string, ...numbers: number[]])[]
}

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

/** What is written in one go. `numbers` are running: one for each batch that must survive a power cut. */
export class Batch {
  readonly number: number
  readonly waiters: Waiter[] = []
  readonly #rows = new Map<string, Uint8Array | undefined>()
  readonly #deltas = new Map<Tally, Numbers>()
  // An array, and no chained batch: of that one, classic-level frees the memory only when it is collected.
  readonly #operations: Operation[] = []
  /** How many of the operations are in `#rows`: most batches are written without a question about what is in them. */
  #indexed = 0
  readonly #level: Level
  #bytes = 0
  #isDurable = false

  constructor(level: Level, number: number) {
    this.number = number
    this.#level = level
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether anything in it has to survive a power cut. */
  get isDurable(): boolean {
    return this.#isDurable
  }

  get isEmpty(): boolean {
    return this.#operations.length === 0
  }

  has(key: string): boolean {
    return this.#index().has(key)
  }

  get(key: string): Uint8Array | undefined {
    return this.#index().get(key)
  }

  put(key: string, value: Uint8Array, isDurable = true): void {
    this.#operations.push({ type: 'put', key, value })
    this.#bytes += ROW_BYTES + key.length + value.length
    this.#isDurable ||= isDurable
  }

  del(key: string, isDurable = true): void {
    this.#operations.push({ type: 'del', key })
    this.#bytes += ROW_BYTES + key.length
    this.#isDurable ||= isDurable
  }

  count(tally: Tally, state: State, priority: number, bytes: number, sign: 1 | -1): void {
    let delta = this.#deltas.get(tally)
    if (delta === undefined) this.#deltas.set(tally, (delta = none()))
    count(delta, state, priority, bytes, sign)
  }

  /** Its own row, which makes it one of the numbered; yields how long it is. */
  sign(lastId: string | undefined): number {
    const key = row(KIND.batch, sortable(this.number))
    const counts = [...this.#deltas].map(([{ name }, numbers]) => {
      const { tenant, topic } = topicOf(name)
      return [tenant, topic, ...numbers] as const
    })
    const value = sealedJson(key, { id: lastId, counts } satisfies BatchRow)
    this.#operations.push({ type: 'put', key, value })
    return value.length
  }

  /** Resolves once it is written, and if it is durable, would survive a power cut. */
  async write(): Promise<void> {
    // abstract-level's types know no `sync`; LevelDB does, and a store in memory ignores it.
    const options: object = { sync: this.#isDurable }
    await this.#level.batch(this.#operations, options)
  }

  #index(): ReadonlyMap<string, Uint8Array | undefined> {
    for (; this.#indexed < this.#operations.length; this.#indexed++) {
      const one = this.#operations[this.#indexed]!
      this.#rows.set(one.key, one.type === 'put' ? one.value : undefined)
    }
    return this.#rows
  }
}
