import { type Hash, createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { AbstractIterator } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { systemError } from '../setup-error.ts'

const ROWS_AT_ONCE = 1000
const BATCH_BYTES = 1024 * 1024
const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const

type RowIterator = AbstractIterator<Level, Uint8Array, Uint8Array>
type Rows = readonly (readonly [Uint8Array, Uint8Array])[]

/** How many rows a store has, and the SHA-256 in hex of all of them in order. */
export interface RowSum {
  readonly rows: number
  readonly sha256: string
}

/** A store as it is now: what is written to it later is not seen. To be closed. */
export const rowsNow = (level: Level): RowIterator => level.iterator<Uint8Array, Uint8Array>(BYTES)

/** Writes rows into a new store; yields their sum once they would survive a power cut. */
export async function writeRows(rows: RowIterator, folder: string, signal?: AbortSignal): Promise<RowSum> {
  const sum = new Summing()
  await mkdir(folder, { mode: 0o700 })
  const target = new ClassicLevel<Uint8Array, Uint8Array>(folder, BYTES)
  try {
    await target.open()
    let batch: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = []
    let bytes = 0
    for (let read = await rows.nextv(ROWS_AT_ONCE); read.length > 0; read = await rows.nextv(ROWS_AT_ONCE)) {
      signal?.throwIfAborted()
      sum.add(read)
      for (const [key, value] of read) {
        batch.push({ type: 'put', key, value })
        bytes += key.length + value.length
      }
      if (bytes < BATCH_BYTES) continue
      await target.batch(batch)
      batch = []
      bytes = 0
    }
    // A write that is synced takes those before it with it.
    await target.batch(batch, { sync: true })
    return sum.result
  } catch (error) {
    throw systemError(folder, error)
  } finally {
    await target.close()
  }
}

/** The sum of the rows of the store in a folder that nobody has open. @throws SetupError as `openLevel` */
export async function sumStore(folder: string, signal?: AbortSignal): Promise<RowSum> {
  const sum = new Summing()
  const level = await openLevel(folder)
  const rows = rowsNow(level)
  try {
    for (let read = await rows.nextv(ROWS_AT_ONCE); read.length > 0; read = await rows.nextv(ROWS_AT_ONCE)) {
      signal?.throwIfAborted()
      sum.add(read)
    }
    return sum.result
  } catch (error) {
    throw systemError(folder, error)
  } finally {
    await rows.close()
    await level.close()
  }
}

/** Each row is its key's length, its value's length, key and value; lengths in four bytes, the highest first. */
class Summing {
  #rows = 0
  readonly #digest: Hash = createHash('sha256')

  add(read: Rows): void {
    for (const [key, value] of read) {
      const lengths = Buffer.alloc(8)
      lengths.writeUInt32BE(key.length)
      lengths.writeUInt32BE(value.length, 4)
      this.#digest.update(lengths).update(key).update(value)
    }
    this.#rows += read.length
  }

  get result(): RowSum {
    return { rows: this.#rows, sha256: this.#digest.copy().digest('hex') }
  }
}
