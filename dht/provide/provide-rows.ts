import type { AbstractLevel } from 'abstract-level'
import { CID_BYTES, cidText, parseCid } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'

/** Ordered keys and bytes. */
type Level = AbstractLevel<string | Buffer | Uint8Array, string, Uint8Array>

/** A root that is announced from time to time. */
export interface ProvideRow {
  readonly cid: Cid
  /** Unix ms, by the clock that people set. */
  readonly dueMs: number
  /** In a row. */
  readonly failures: number
}

// abstract-level's types know no `sync`; LevelDB does, and a store in memory ignores it.
const DURABLE: object = { sync: true }
const TIME_BYTES = 8
const ROW_BYTES = TIME_BYTES + 1

/**
 * Which roots are announced, and when next: a row for each root, and one in the order of times. Adding and removing
 * survives a power cut; the time of the next announcement may be lost with one, and the root is then announced twice.
 * Whoever can write to the store has roots announced that are public, or not announced; no other becomes known.
 */
export class ProvideRows {
  readonly #roots: Rows
  readonly #times: Rows
  readonly #level: Level
  #count = 0
  /** Reads and writes of a row, one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(level: Level) {
    this.#level = level
    this.#roots = rowsOf(level, 'provide-roots')
    this.#times = rowsOf(level, 'provide-times')
  }

  /** Rows that are due later than an interval from now were written by a clock that was set back since: they are due now. */
  static async open(
    level: Level,
    { nowMs, intervalMs }: { nowMs: number; intervalMs: number }
  ): Promise<ProvideRows> {
    const rows = new ProvideRows(level)
    for await (const _ of rows.#roots.keys()) rows.#count++
    const late: Cid[] = []
    for await (const key of rows.#times.keys({ gt: timeKey(nowMs + intervalMs) })) {
      const { cid } = parseTimeKey(key)
      if (cid !== undefined) late.push(cid)
    }
    for (const cid of late) await rows.settle(cid, { dueMs: nowMs, failures: 0 })
    return rows
  }

  get count(): number {
    return this.#count
  }

  /** Adds roots that are not there yet, due at that time; yields how many those are. */
  async add(cids: readonly Cid[], dueMs: number): Promise<number> {
    return this.#inTurn(async () => {
      const each = [...new Map(cids.map(cid => [cidText(cid), cid])).values()]
      const there = await this.#roots.getMany(each.map(({ bytes }) => bytes))
      const added = each.filter((_, n) => there[n] === undefined)
      const batch = this.#level.batch()
      for (const cid of added) {
        batch.put(cid.bytes, rowOf(dueMs, 0), { sublevel: this.#roots })
        batch.put(timeKey(dueMs, cid), EMPTY, { sublevel: this.#times })
      }
      await batch.write(DURABLE)
      this.#count += added.length
      return added.length
    })
  }

  /** Yields whether it was there. */
  async remove(cid: Cid): Promise<boolean> {
    return this.#inTurn(async () => {
      const row = await this.#read(cid)
      if (row === undefined) return false
      const batch = this.#level.batch()
      batch.del(cid.bytes, { sublevel: this.#roots })
      batch.del(timeKey(row.dueMs, cid), { sublevel: this.#times })
      await batch.write(DURABLE)
      this.#count--
      return true
    })
  }

  /** Sets when a root is due next; one that was removed meanwhile stays so. */
  async settle(cid: Cid, { dueMs, failures }: Omit<ProvideRow, 'cid'>): Promise<void> {
    await this.#inTurn(async () => {
      const row = await this.#read(cid)
      if (row === undefined) return
      const batch = this.#level.batch()
      batch.del(timeKey(row.dueMs, cid), { sublevel: this.#times })
      batch.put(cid.bytes, rowOf(dueMs, failures), { sublevel: this.#roots })
      batch.put(timeKey(dueMs, cid), EMPTY, { sublevel: this.#times })
      await batch.write()
    })
  }

  /** The roots that are due first, up to `limit`. Rows that cannot be read are passed over. */
  async first(limit: number): Promise<readonly ProvideRow[]> {
    return this.#inTurn(async () => {
      const rows: ProvideRow[] = []
      for (const key of await this.#times.keys({ limit }).all()) {
        const { cid } = parseTimeKey(key)
        const row = cid && (await this.#read(cid))
        if (row === undefined) await this.#times.del(key)
        else rows.push(row)
      }
      return rows
    })
  }

  async #read(cid: Cid): Promise<ProvideRow | undefined> {
    const bytes = await this.#roots.get(cid.bytes)
    if (bytes?.length !== ROW_BYTES) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return { cid, dueMs: Number(view.getBigUint64(0)), failures: view.getUint8(TIME_BYTES) }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => undefined)
    return next
  }
}

type Rows = ReturnType<typeof rowsOf>

const rowsOf = (level: Level, name: string) =>
  level.sublevel<Uint8Array, Uint8Array>(name, { keyEncoding: 'view', valueEncoding: 'view' })

const EMPTY = new Uint8Array()
const MOST_FAILURES = 255

function rowOf(dueMs: number, failures: number): Uint8Array {
  const bytes = new Uint8Array(ROW_BYTES)
  bytes.set(timeKey(dueMs))
  bytes[TIME_BYTES] = Math.min(MOST_FAILURES, failures)
  return bytes
}

function timeKey(dueMs: number, cid?: Cid): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES + (cid?.bytes.length ?? 0))
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.max(0, Math.round(dueMs))))
  if (cid !== undefined) bytes.set(cid.bytes, TIME_BYTES)
  return bytes
}

function parseTimeKey(key: Uint8Array): { readonly cid: Cid | undefined } {
  if (key.length !== TIME_BYTES + CID_BYTES) return { cid: undefined }
  try {
    return { cid: parseCid(key.slice(TIME_BYTES)) }
  } catch {
    return { cid: undefined }
  }
}
