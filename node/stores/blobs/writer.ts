import { sealedJson } from '../mailbox/seal.ts'
import { isDiskFull } from '../disk-full.ts'
import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import type { Place } from './block-row.ts'
import { segmentKey } from './keys.ts'
import { Rows } from './rows.ts'
import type { RowBytes } from './rows.ts'
import type { NewRecord, Segments } from './segments.ts'

/** What is written in one go, at the most; a change that is larger goes alone. */
const BATCH_BYTES = 2 * 1024 * 1024
const BATCH_KEYS = 4096
const DURABLE: object = { sync: true }

/** Blocks to be written, and what becomes of the rows; all of it, or nothing. */
export interface Change<T> {
  readonly records: readonly NewRecord[]
  /** Of every row that `apply` looks at. */
  readonly keys: readonly string[]
  /** Decides and does no I/O; the places are those of `records`. What it throws refuses this change alone. */
  apply(rows: Rows, places: readonly Place[]): T
}

interface Waiting {
  readonly change: Change<unknown>
  readonly bytes: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Placed {
  readonly waiting: Waiting
  readonly places: readonly Place[]
}

/**
 * Makes one change after the other, several in one write. Blocks are durable before the rows that point at them are written;
 * while the rows of some changes are, the blocks of the next already go to the disk. After rows could not be written, all fails.
 */
export class Writer {
  readonly #level: Level
  readonly #segments: Segments
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #failure: unknown

  constructor(level: Level, segments: Segments) {
    this.#level = level
    this.#segments = segments
  }

  get failure(): unknown {
    return this.#failure
  }

  /** Resolves with what `apply` gave, once that would survive a power cut. */
  commit<T>(change: Change<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(failed(this.#failure))
    const bytes = change.records.reduce((sum, record) => sum + record.bytes.length, 0)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.push({ change, bytes, resolve, reject })
    // A turn later, so that what this turn brings is one write.
    this.#running ??= new Promise<void>(begin => setImmediate(begin)).then(() => this.#run())
    return promise as Promise<T>
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    let rows: Promise<void> = Promise.resolve()
    try {
      while (this.#waiting.length > 0) {
        const placed = await this.#place(this.#take())
        await rows
        rows = this.#writeRows(placed)
        // What comes while rows are written shares the next write of blocks.
        if (this.#waiting.length === 0) await rows
      }
      await rows
    } finally {
      this.#running = undefined
      if (this.#waiting.length > 0) this.#running = this.#run()
    }
  }

  #take(): readonly Waiting[] {
    let bytes = 0
    let keys = 0
    let count = 0
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes
      keys += waiting.change.keys.length
      if (count > 0 && (bytes > BATCH_BYTES || keys > BATCH_KEYS)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** Writes the blocks; those of whom it cannot be done are told. */
  async #place(taken: readonly Waiting[]): Promise<readonly Placed[]> {
    const records = taken.flatMap(({ change }) => change.records)
    if (records.length === 0) return taken.map(waiting => ({ waiting, places: [] }))
    try {
      const places = await this.#segments.append(records)
      let at = 0
      return taken.map(waiting => {
        const from = at
        at += waiting.change.records.length
        return { waiting, places: places.slice(from, at) }
      })
    } catch (error) {
      const refused = writeError(error)
      return taken.flatMap(waiting => {
        if (waiting.change.records.length === 0) return [{ waiting, places: [] }]
        waiting.reject(refused)
        return []
      })
    }
  }

  async #writeRows(placed: readonly Placed[]): Promise<void> {
    if (placed.length === 0) return
    const done: (() => void)[] = []
    try {
      if (this.#failure !== undefined) throw this.#failure
      const rows = await this.#read(placed)
      const changed = new Map<string, RowBytes>()
      for (const { waiting, places } of placed) {
        const change = new Rows(rows)
        try {
          const value = waiting.change.apply(change, places)
          done.push(() => waiting.resolve(value))
        } catch (error) {
          change.changed.clear()
          change.alive.clear()
          change.dead.length = 0
          done.push(() => waiting.reject(error))
        }
        for (const place of places) this.#segments.added(place, change.alive.has(place))
        for (const place of change.dead) this.#segments.died(place)
        for (const [key, bytes] of change.changed) {
          rows.set(key, bytes)
          changed.set(key, bytes)
        }
      }
      for (const segment of this.#segments.takeTouched()) {
        const key = segmentKey(segment)
        changed.set(key, sealedJson(key, this.#segments.counts.get(segment)))
      }
      await this.#write(changed)
    } catch (error) {
      this.#failure ??= error
      const refused = failed(error)
      for (const { waiting } of placed) waiting.reject(refused)
      return
    }
    for (const tell of done) tell()
  }

  async #read(placed: readonly Placed[]): Promise<Map<string, RowBytes>> {
    const keys = [...new Set(placed.flatMap(({ waiting }) => waiting.change.keys))]
    const values = await this.#level.getMany(keys)
    return new Map(keys.map((key, i) => [key, values[i]]))
  }

  /**
   * Every write is synced, also where its change alone could be lost: LevelDB goes over to a new log without syncing the old
   * one, so that of two writes a synced later one can be there after a power cut and an earlier one not.
   */
  async #write(changed: ReadonlyMap<string, RowBytes>): Promise<void> {
    if (changed.size === 0) return
    const operations = [...changed].map(([key, value]) =>
      value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const)
    )
    await this.#level.batch(operations, DURABLE)
  }
}

const full = (cause: unknown): BlobError =>
  new BlobError('disk_full', 'the disk is full; nothing of it was kept', { cause })

const writeError = (error: unknown): unknown => (isDiskFull(error) ? full(error) : error)

const failed = (error: unknown): BlobError =>
  isDiskFull(error)
    ? full(error)
    : new BlobError('failed', 'the rows of the store could not be written; open it again', { cause: error })
