import type { Level } from '../level.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { rowBytes } from './fill.ts'
import type { Fill } from './fill.ts'
import { GroupWrites } from './group-writes.ts'
import type { Rows } from './group-writes.ts'
import { between, beyond, placeIn, sortable } from './keys.ts'
import { REMOVED_AT_ONCE, oldBeyond, placeBelowNewest } from './retained.ts'
import type { Cut, RemovedBatch, WithBatch } from './retained.ts'
import type { Gone, Removing } from './types.ts'
import { Untold } from './untold.ts'

/** A page ends behind the entry with which it has so many bytes, so that long ones cannot fill the memory. */
const MAX_PAGE_BYTES = 1024 * 1024
const NUL = '\0'
/** What the rows of an entry take besides. */
const ROWS_BYTES = 128

/** Something that is said once and never changes. */
export interface Entry<T> {
  /** In the order in which entries became durable, from 1. */
  readonly place: number
  readonly id: string
  /** What it belongs to, such as a room; lists can be asked for one. */
  readonly group: string
  readonly value: T
}

export interface EntryStoreOptions<T> {
  /** Of the rows in the store: lower-case letters and `-`. */
  readonly name: string
  /** Resolves once the audit log has it durably, with the W3C traceparent of the request that said it. */
  readonly tell: (entry: Entry<T>, trace: string | undefined) => Promise<void>
  /** The same, of one that was removed. */
  readonly tellGone?: ((gone: Gone) => Promise<void>) | undefined
  readonly onCorrupt: (key: string) => void
  /** When it was said, as `Date.toISOString` writes it; all is as old as can be if missing. */
  readonly timeOf?: ((value: T) => string) | undefined
  /** What may be taken; no bound if missing. */
  readonly fill?: Fill | undefined
}

export interface EntryPage<T> {
  readonly items: readonly Entry<T>[]
  /** Where the next page begins; undefined at the end. */
  readonly next: number | undefined
}

/** An entry that the audit log may not have yet: its place, and the W3C traceparent of its request where it had one. */
type UntoldEntry = number | { readonly place: number; readonly trace: string }

type Keys = ReturnType<typeof keysOf>

/**
 * Entries in the order in which they came. One is durable, and in the audit log, before it is answered; where a crash comes
 * between the two the next opening tells the log. Whoever can write to the store can take entries away and put others in.
 */
export class EntryStore<T> {
  readonly #level: Level
  readonly #keys: Keys
  readonly #options: EntryStoreOptions<T>
  readonly #writes: GroupWrites
  readonly #untold: Untold<UntoldEntry>
  readonly #gone: Untold<Gone>

  private constructor(level: Level, writes: GroupWrites, options: EntryStoreOptions<T>) {
    this.#level = level
    this.#options = options
    this.#keys = keysOf(options.name)
    this.#writes = writes
    this.#untold = new Untold(level, {
      start: this.#keys.untold,
      tell: async untold => {
        const { place, trace } = typeof untold === 'number' ? { place: untold } : untold
        const entry = await this.#writes.read<Entry<T>>(this.#keys.entry(place))
        if (entry !== undefined) await options.tell(entry, trace)
      },
      onCorrupt: options.onCorrupt
    })
    this.#gone = new Untold(level, {
      start: this.#keys.gone,
      tell: async gone => await options.tellGone?.(gone),
      onCorrupt: options.onCorrupt
    })
  }

  /** Opens what is there, and tells the audit log what it was not told before a crash. */
  static async open<T>(level: Level, options: EntryStoreOptions<T>): Promise<EntryStore<T>> {
    const writes = await GroupWrites.open(level, { ...options, countKey: keysOf(options.name).bytes })
    const store = new EntryStore(level, writes, options)
    await store.#untold.tellAll()
    await store.#gone.tellAll()
    return store
  }

  /** Whether there is no room for what is to be written. */
  get isFull(): boolean {
    return this.#writes.isFull
  }

  /** Keeps an entry, or finds the one that has its id already. Neither `id` nor `group` may hold NUL. @throws OapError `storage_full` */
  async append({
    id,
    group,
    value,
    trace
  }: Omit<Entry<T>, 'place'> & { readonly trace?: string | undefined }): Promise<{
    readonly isNew: boolean
    readonly entry: Entry<T>
  }> {
    const keys = this.#keys
    const written = await this.#writes.run(async rows => {
      const known = await rows.get<number>(keys.placeOf(id))
      const kept = known === undefined ? undefined : await rows.get<Entry<T>>(keys.entry(known))
      if (kept !== undefined) return { isNew: false, entry: kept }
      const place = ((await rows.get<number>(keys.last)) ?? 0) + 1
      const entry: Entry<T> = { place, id, group, value }
      rows.put(keys.last, place)
      rows.put(keys.placeOf(id), place)
      rows.put(keys.entry(place), entry)
      rows.put(keys.inGroup(group) + sortable(place), true)
      rows.put(this.#untold.key(sortable(place), 0), trace === undefined ? place : { place, trace })
      rows.grow(bytesOf(entry))
      return { isNew: true, entry }
    })
    await this.#untold.tell(sortable(written.entry.place))
    return written
  }

  /** A page of entries beyond a place, of a group or of all; at least one where there is one. */
  async list({
    group,
    after,
    limit,
    isAscending
  }: {
    readonly group?: string | undefined
    readonly after?: number | undefined
    readonly limit: number
    readonly isAscending: boolean
  }): Promise<EntryPage<T>> {
    const start = group === undefined ? this.#keys.entries : this.#keys.inGroup(group)
    const range = beyond(start, { after, isAscending })
    const found = await this.#level.keys<string>({ ...range, reverse: !isAscending, limit: limit + 1 }).all()
    const items: Entry<T>[] = []
    let [last, bytes] = [after, 0]
    for (const place of found.map(placeIn)) {
      if (items.length === limit || bytes >= MAX_PAGE_BYTES) return { items, next: last }
      last = place
      const key = this.#keys.entry(place)
      const row = await this.#level.get(key)
      if (row === undefined) continue
      const entry = unsealJson<Entry<T>>(key, row)
      if (entry === undefined) this.#options.onCorrupt(key)
      else items.push(entry)
      bytes += row.length
    }
    return { items, next: found.length > limit ? last : undefined }
  }

  async get(id: string): Promise<Entry<T> | undefined> {
    const place = await this.#writes.read<number>(this.#keys.placeOf(id))
    return place === undefined ? undefined : await this.#writes.read<Entry<T>>(this.#keys.entry(place))
  }

  /**
   * The entry that is removed, durably and told to the audit log, also after a crash between the two; undefined where none has
   * the id. Its id is good for another then.
   */
  async remove(id: string, removing: Removing): Promise<Entry<T> | undefined> {
    const place = await this.#writes.read<number>(this.#keys.placeOf(id))
    if (place === undefined) return undefined
    await this.#untold.tell(sortable(place))
    const removed = await this.#writes.run(async rows => {
      const entry = await rows.get<Entry<T>>(this.#keys.entry(place))
      if (entry === undefined) return undefined
      this.#remove(rows, entry)
      rows.put(this.#gone.key(sortable(place), 0), { id, ...removing })
      return entry
    })
    await this.#gone.tell(sortable(place))
    return removed
  }

  /** @see Shelved.newestFrom */
  async newestFrom(count: number): Promise<number> {
    return await placeBelowNewest(this.#level, between(this.#keys.entries), count)
  }

  /** @see Shelved.removeOld */
  async removeOld(cut: Cut, after: number, withBatch: WithBatch): Promise<RemovedBatch> {
    const range = beyond(this.#keys.entries, { after, isAscending: true })
    const keys = await this.#level.keys<string>({ ...range, limit: REMOVED_AT_ONCE }).all()
    const { timeOf = () => '' } = this.#options
    const { old, next } = await oldBeyond(keys.map(placeIn), cut, async place => {
      const item = await this.#writes.read<Entry<T>>(this.#keys.entry(place))
      return item && { item, at: timeOf(item.value) }
    })
    for (const { place } of old) await this.#untold.tell(sortable(place))
    const removed = await this.#writes.run(async rows => {
      let [items, bytes] = [0, 0]
      for (const { place } of old) {
        const entry = await rows.get<Entry<T>>(this.#keys.entry(place))
        if (entry === undefined) continue
        items++
        bytes += this.#remove(rows, entry)
      }
      if (items > 0) withBatch(rows, { items, bytes })
      return { items, bytes }
    })
    return { ...removed, next }
  }

  #remove(rows: Rows, entry: Entry<T>): number {
    const { place, id, group } = entry
    const bytes = bytesOf(entry)
    rows.remove(this.#keys.placeOf(id))
    rows.remove(this.#keys.entry(place))
    rows.remove(this.#keys.inGroup(group) + sortable(place))
    rows.grow(-bytes)
    return bytes
  }

  async idle(): Promise<void> {
    await this.#writes.idle()
  }
}

const bytesOf = (entry: Entry<unknown>): number =>
  rowBytes(entry) + Buffer.byteLength(entry.id + entry.group) + ROWS_BYTES

function keysOf(name: string) {
  const prefix = `!ams-${name}!`
  return {
    last: `${prefix}n`,
    bytes: `${prefix}b`,
    entries: `${prefix}e`,
    entry: (place: number) => `${prefix}e${sortable(place)}`,
    placeOf: (id: string) => `${prefix}i${id}`,
    inGroup: (group: string) => `${prefix}g${group}${NUL}`,
    untold: `${prefix}p`,
    gone: `${prefix}d`
  }
}
