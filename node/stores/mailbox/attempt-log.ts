import type { Level } from '../level.ts'
import type { Batch } from './batch.ts'
import { KIND, PREFIX, allOf, fromSortable, row, sortable } from './keys.ts'
import { sealedJson, unseal } from './seal.ts'
import type { CorruptRow } from './types.ts'

const CHECKED_AT_ONCE = 1000

/** What one row holds: the keys of ready messages, after the prefix, and how often each was delivered. */
type AttemptRow = readonly (readonly [rest: string, attempts: number])[]

/** A row, and what in it still counts. */
interface Stretch {
  readonly key: string
  readonly counts: Map<string, number>
}

/**
 * How often ready messages were delivered, as far as their own rows do not say: a row for each time that attempts are noted,
 * instead of one for each message. A message that is there is named by one row at most, and a row goes with the last that it
 * names. All of it is in memory too, so its owner moves what is oldest into the messages' own rows when it grows.
 */
export class AttemptLog {
  readonly #known = new Map<string, Stretch>()
  #next = 1

  /** Reads what an earlier process left: as much as was in its memory. */
  static async open(level: Level, onCorrupt: (row: CorruptRow) => void): Promise<AttemptLog> {
    const log = new AttemptLog()
    for (const [key, bytes] of await level.iterator<string, Uint8Array>(allOf(KIND.attempts)).all()) {
      const payload = unseal(key, bytes)
      log.#next = fromSortable(key.slice(PREFIX.length + 1)) + 1
      if (typeof payload === 'string') {
        onCorrupt({ key, detail: payload })
        await level.del(key)
        continue
      }
      await log.#read(level, key, JSON.parse(payload.toString()) as AttemptRow)
    }
    return log
  }

  get size(): number {
    return this.#known.size
  }

  get(key: string): number | undefined {
    return this.#known.get(key)?.counts.get(key)
  }

  /** The message noted longest ago. */
  get oldest(): string | undefined {
    return this.#known.keys().next().value
  }

  note(batch: Batch, notes: readonly (readonly [key: string, attempts: number])[]): void {
    if (notes.length === 0) return
    const changed = new Set(notes.map(([key]) => this.#drop(key)))
    const stretch: Stretch = { key: row(KIND.attempts, sortable(this.#next++)), counts: new Map() }
    for (const [key, attempts] of notes) this.#add(key, attempts, stretch)
    for (const each of changed) if (each !== undefined) write(batch, each)
    write(batch, stretch)
  }

  /** The message is gone for good; its row may go on naming it. */
  forgetGone(batch: Batch, key: string): void {
    const stretch = this.#drop(key)
    if (stretch?.counts.size === 0) write(batch, stretch)
  }

  /** From now on the message's own row says it. */
  forget(batch: Batch, key: string): void {
    const stretch = this.#drop(key)
    if (stretch !== undefined) write(batch, stretch)
  }

  /** Yields the row that named it until now. */
  #drop(key: string): Stretch | undefined {
    const stretch = this.#known.get(key)
    this.#known.delete(key)
    stretch?.counts.delete(key)
    return stretch
  }

  #add(key: string, attempts: number, stretch: Stretch): void {
    this.#drop(key)
    this.#known.set(key, stretch)
    stretch.counts.set(key, attempts)
  }

  async #read(level: Level, rowKey: string, rows: AttemptRow): Promise<void> {
    const stretch: Stretch = { key: rowKey, counts: new Map() }
    for (let from = 0; from < rows.length; from += CHECKED_AT_ONCE) {
      const some = rows.slice(from, from + CHECKED_AT_ONCE)
      const isThere = await level.hasMany(some.map(([rest]) => PREFIX + rest))
      for (const [i, [rest, attempts]] of some.entries())
        if (isThere[i] === true) this.#add(PREFIX + rest, attempts, stretch)
    }
    if (stretch.counts.size === 0) await level.del(rowKey)
  }
}

function write(batch: Batch, { key, counts }: Stretch): void {
  if (counts.size === 0) {
    batch.del(key, false)
    return
  }
  const rows: AttemptRow = [...counts].map(([name, attempts]) => [name.slice(PREFIX.length), attempts])
  batch.put(key, sealedJson(key, rows), false)
}

/** The same of a store that nobody has open, by the keys of the messages. */
export async function readAttempts(level: Level): Promise<ReadonlyMap<string, number>> {
  const known = new Map<string, number>()
  for (const [key, bytes] of await level.iterator<string, Uint8Array>(allOf(KIND.attempts)).all()) {
    const payload = unseal(key, bytes)
    if (typeof payload === 'string') continue
    for (const [rest, attempts] of JSON.parse(payload.toString()) as AttemptRow)
      known.set(PREFIX + rest, attempts)
  }
  return known
}
