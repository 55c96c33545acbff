import type { Record } from './record.ts'

const GENERATION = 8192

/** What taking a message away must know of its row. */
export interface LiveRow extends Pick<Record, 'priority' | 'notBeforeMs' | 'expiresAtMs'> {
  /** As `countedBytes` says. */
  readonly bytes: number
  readonly hasHistory: boolean
}

/** What a row counts for: its length without the history, which changes while the message stays. */
export const countedBytes = (record: Record, value: Uint8Array): number =>
  value.length - record.history.length

export function liveRow(record: Record, value: Uint8Array): LiveRow {
  const { priority, notBeforeMs, expiresAtMs } = record
  const hasHistory = record.history.length > 0
  return { priority, notBeforeMs, expiresAtMs, bytes: countedBytes(record, value), hasHistory }
}

/** Rows being read: those that went meanwhile. */
export type Reader = Set<string>

/**
 * The rows read last, and those appended last that go soon (8,192 to 16,384 in all), so that what is taken soon after need
 * not be read again. Holds only rows that are there, with all that was composed so far.
 */
export class LiveRows {
  // Two maps, since a map whose first entries are deleted one by one gets slow.
  #young = new Map<string, LiveRow>()
  #old = new Map<string, LiveRow>()
  readonly #readers = new Set<Reader>()

  get(key: string): LiveRow | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  add(key: string, row: LiveRow): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, row)
  }

  remove(key: string): void {
    if (!this.#young.delete(key) || this.#old.size > 0) this.#old.delete(key)
    for (const gone of this.#readers) gone.add(key)
  }

  /** From before the read until `end`, what is removed is noted, since the read may still see it. */
  begin(): Reader {
    const reader: Reader = new Set()
    this.#readers.add(reader)
    return reader
  }

  end(reader: Reader): void {
    this.#readers.delete(reader)
  }
}
