import { closeSync, constants, openSync, readSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'

const BYTES = 10
const MODE = 0o600

const writeAt = promisify(write)

/**
 * Remembers outside of the store which batch was durable last, so that a store whose end was cut off is not taken for one
 * that had no more.
 */
export interface BatchMark {
  /** 0 where nothing was noted. */
  readonly last: number
  /** Whether there was something that cannot be read. */
  readonly isDamaged: boolean
  /**
   * To be called with each batch once it is durable, and before it is answered. Resolves once the file names it, or a later
   * one, or cannot be written.
   */
  note(batch: number): Promise<void>
  /** Resolves once the last batch is noted; nothing touches the file after that. */
  close(): Promise<void>
}

/**
 * A mark in a file of `u48 batch, u32 CRC-32 of it`, which is not synced: after `kill -9` it names the last batch that was
 * answered or a later one, after a power cut maybe a much earlier one, never one that was not durable.
 * @throws what the file system throws.
 */
export function openBatchMark(path: string): BatchMark {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, MODE)
  const found = Buffer.alloc(BYTES)
  const read = readSync(file, found, 0, BYTES, 0)
  const isWhole = read === BYTES && found.readUInt32BE(6) === crc32(found.subarray(0, 6))
  return new FileMark(file, isWhole ? found.readUIntBE(0, 6) : 0, read > 0 && !isWhole)
}

/** One write at a time; what is noted meanwhile goes with the next. A write can block for as long as a sync takes. */
class FileMark implements BatchMark {
  readonly last: number
  readonly isDamaged: boolean
  readonly #file: number
  #noted = 0
  #written = 0
  #writing: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(file: number, last: number, isDamaged: boolean) {
    this.#file = file
    this.last = last
    this.isDamaged = isDamaged
  }

  note(batch: number): Promise<void> {
    if (this.#closing !== undefined) return Promise.resolve()
    this.#noted = batch
    return (this.#writing ??= this.#write())
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #write(): Promise<void> {
    while (this.#written !== this.#noted) {
      const batch = this.#noted
      // A mark that cannot be written tells less, and harms nothing.
      await writeAt(this.#file, bytesOf(batch), 0, BYTES, 0).catch(() => undefined)
      this.#written = batch
    }
    this.#writing = undefined
  }

  async #close(): Promise<void> {
    await this.#writing
    closeSync(this.#file)
  }
}

function bytesOf(batch: number): Buffer {
  const bytes = Buffer.alloc(BYTES)
  bytes.writeUIntBE(batch, 0, 6)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 6)), 6)
  return bytes
}

export const NO_MARK: BatchMark = {
  last: 0,
  isDamaged: false,
  note: () => Promise.resolve(),
  close: () => Promise.resolve()
}
