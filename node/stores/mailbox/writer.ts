import type { Level } from '../level.ts'
import { Batch } from './batch.ts'
import type { Waiter } from './batch.ts'
import type { BatchMark } from './batch-mark.ts'
import { CHECKPOINT_KEY, batchKey } from './journal.ts'
import type { Checkpoint } from './journal.ts'
import { KeptRows } from './kept-rows.ts'
import { sealedJson } from './seal.ts'
import { tallyRow } from './tallies.ts'
import type { Tallies } from './tallies.ts'
import type { Ulids } from './ulid.ts'

const CHECKPOINT_BATCHES = 256
const CHECKPOINT_BYTES = 1024 * 1024
const CHECKPOINT_TOPICS = 1024

export interface WriterParts {
  readonly level: Level
  readonly topics: Tallies
  readonly tenants: Tallies
  readonly ulids: Ulids
  readonly mark: BatchMark
  readonly lastBatch: number
  /** Told when a batch has ended and the next may be filled. */
  readonly onRoom: () => void
}

/** Who waited for a batch that is written, or was not. */
interface Done {
  readonly waiters: readonly Waiter[]
  readonly failure?: { readonly error: unknown }
}

function tell({ waiters, failure }: Done): void {
  for (const waiter of waiters)
    if (failure === undefined) waiter.resolve()
    else waiter.reject(failure.error)
}

/**
 * Writes one batch at a time: what is composed while one is under way is the next. After a batch has failed, or was not
 * composed to its end, all later ones do.
 */
export class Writer {
  readonly #parts: WriterParts
  #filling: Batch
  #underWay: Batch | undefined
  #running: Promise<void> | undefined
  #failure: unknown
  readonly #kept: KeptRows
  #checkpoint: number
  #journalBytes = 0

  constructor(
    parts: WriterParts,
    { checkpoint, firstRow }: { readonly checkpoint: number; readonly firstRow: number }
  ) {
    this.#parts = parts
    this.#checkpoint = checkpoint
    this.#kept = new KeptRows(firstRow, parts.lastBatch)
    this.#filling = new Batch(parts.level, parts.lastBatch + 1)
  }

  get filling(): Batch {
    return this.#filling
  }

  get underWay(): Batch | undefined {
    return this.#underWay
  }

  get failure(): unknown {
    return this.#failure
  }

  /** Does what fills the batch. When that throws, half of it may be there: the batch is never written, and none after it. */
  composing<T>(compose: () => T): T {
    try {
      return compose()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  /** Writes nothing from now on but what is under way. */
  fail(error: unknown): void {
    this.#failure ??= error
  }

  /** Tells the waiter once what was composed so far is written. */
  add(waiter: Waiter): void {
    this.#filling.waiters.push(waiter)
    // A turn later, so that what this turn brings is one batch.
    this.#running ??= new Promise<void>(begin => setImmediate(begin)).then(() => this.#run())
  }

  /** Resolves when nothing waits any more; then nothing may be added. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    if (this.#failure === undefined && this.#checkpoint < this.#filling.number - 1)
      await this.#lastCheckpoint()
  }

  async #run(): Promise<void> {
    try {
      let done: Done | undefined
      for (;;) {
        // The next batch is on its way to the disk before those of the last one are told.
        const next = this.#filling.waiters.length > 0 ? this.#begin() : undefined
        if (done !== undefined) tell(done)
        done = undefined
        this.#parts.onRoom()
        if (next !== undefined) done = await next
        else if (this.#filling.waiters.length === 0) break
      }
    } finally {
      this.#running = undefined
    }
  }

  #begin(): Promise<Done> {
    const batch = this.#filling
    this.#underWay = batch
    const isCheckpoint = this.#completed(batch)
    this.#filling = new Batch(this.#parts.level, batch.number + (batch.isDurable ? 1 : 0))
    return this.#write(batch, isCheckpoint)
  }

  /** Whether it is a checkpoint. */
  #completed(batch: Batch): boolean {
    try {
      return this.composing(() => this.#complete(batch))
    } catch {
      return false
    }
  }

  #complete(batch: Batch): boolean {
    if (!batch.isDurable) return false
    const { topics, ulids } = this.#parts
    const rowBytes = batch.sign(ulids.last)
    this.#journalBytes += rowBytes
    this.#kept.wrote(batch.bytes + rowBytes)
    const isDue =
      batch.number - this.#checkpoint >= CHECKPOINT_BATCHES ||
      this.#journalBytes >= CHECKPOINT_BYTES ||
      topics.dirty >= CHECKPOINT_TOPICS
    if (isDue) this.#addCheckpoint(batch, batch.number)
    return isDue
  }

  /** The counts as this batch leaves them: all that was composed is in it or before it. */
  #addCheckpoint(batch: Batch, number: number): void {
    const { topics, tenants, ulids } = this.#parts
    for (const tallies of [topics, tenants]) {
      for (const tally of tallies.write()) {
        const { key, value } = tallyRow(tallies.kind, tally)
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
    }
    const { from, to } = this.#kept.end(number)
    for (let old = from; old < to; old++) batch.del(batchKey(old))
    const checkpoint: Checkpoint = { batch: number, first: to, id: ulids.last }
    batch.put(CHECKPOINT_KEY, sealedJson(CHECKPOINT_KEY, checkpoint))
    this.#checkpoint = number
    this.#journalBytes = 0
  }

  async #write(batch: Batch, isCheckpoint: boolean): Promise<Done> {
    const { topics, tenants, mark } = this.#parts
    const { waiters } = batch
    try {
      if (this.#failure !== undefined) throw this.#failure
      if (!batch.isEmpty) await batch.write()
      // Before the next batch syncs: a write beside a sync can take as long as that. And before the answers: what was answered
      // and is then cut off would be missed by nobody.
      if (batch.isDurable) await mark.note(batch.number)
      if (isCheckpoint) for (const tallies of [topics, tenants]) tallies.written()
      return { waiters }
    } catch (error) {
      this.#failure ??= error
      return { waiters, failure: { error } }
    } finally {
      this.#underWay = undefined
    }
  }

  /**
   * Spares the next opening reading batches, and is not missed when the store is closed already; it has no number of its own,
   * since it changes nothing.
   */
  async #lastCheckpoint(): Promise<void> {
    const last = this.#filling.number - 1
    this.#addCheckpoint(this.#filling, last)
    await this.#filling.write().catch(() => undefined)
    this.#filling = new Batch(this.#parts.level, last + 1)
  }
}
