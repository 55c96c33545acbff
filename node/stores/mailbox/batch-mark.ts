import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

const BYTES = 10
const MODE = 0o600

/**
 * Remembers outside of the store which batch was durable last, so that a store whose end was cut off is not taken for one
 * that had no more.
 */
export interface BatchMark {
  /** 0 where nothing was noted. */
  readonly last: number
  /** Whether there was something that cannot be read. */
  readonly isDamaged: boolean
  /** To be called with each batch once it is durable. */
  note(batch: number): void
  close(): void
}

/**
 * A mark in a file of `u48 batch, u32 CRC-32 of it`. It is not synced: after `kill -9` it names the last batch, after a power
 * cut maybe an earlier one, never one that was not durable.
 * @throws what the file system throws.
 */
export function openBatchMark(path: string): BatchMark {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, MODE)
  const bytes = Buffer.alloc(BYTES)
  const read = readSync(file, bytes, 0, BYTES, 0)
  const isWhole = read === BYTES && bytes.readUInt32BE(6) === crc32(bytes.subarray(0, 6))
  return {
    last: isWhole ? bytes.readUIntBE(0, 6) : 0,
    isDamaged: read > 0 && !isWhole,
    note(batch) {
      bytes.writeUIntBE(batch, 0, 6)
      bytes.writeUInt32BE(crc32(bytes.subarray(0, 6)), 6)
      writeSync(file, bytes, 0, BYTES, 0)
    },
    close: () => closeSync(file)
  }
}

export const NO_MARK: BatchMark = {
  last: 0,
  isDamaged: false,
  note: () => undefined,
  close: () => undefined
}
