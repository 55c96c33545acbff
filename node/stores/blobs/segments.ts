import type { Place } from './block-row.ts'
import { HEAD_BYTES, readHead, writeHead } from './record-head.ts'
import type { SegmentDisk } from './segment-disk.ts'

/** A segment that has this much begins no further record. */
export const SEGMENT_BYTES = 128 * 1024 * 1024

/** Up to here pieces are copied into one: fewer, larger writes. */
const COPY_BYTES = 128 * 1024
const SCAN_BYTES = 1024 * 1024

/** What a segment holds. */
export interface SegmentCount {
  /** Of its records, the heads included; what lies behind was never acknowledged. */
  readonly bytes: number
  /** Of the records that a row points at. */
  readonly live: number
}

export interface NewRecord {
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

/** What a block takes in a segment. */
export const recordBytes = (length: number): number => HEAD_BYTES + length

/**
 * Blocks, one after the other, in segments that are never changed but at the end of the last. Keeps how much of each is live;
 * their rows are written by whoever writes those of the blocks.
 */
export class Segments {
  readonly disk: SegmentDisk
  readonly #counts: Map<number, SegmentCount>
  readonly #segmentBytes: number
  readonly #touched = new Set<number>()
  /** Where the next record begins; counts follow when its row is written. */
  #last: { number: number; end: number }

  constructor(
    disk: SegmentDisk,
    counts: ReadonlyMap<number, SegmentCount>,
    {
      segmentBytes = SEGMENT_BYTES,
      damaged = []
    }: { readonly segmentBytes?: number | undefined; readonly damaged?: readonly number[] } = {}
  ) {
    this.disk = disk
    this.#counts = new Map(counts)
    this.#segmentBytes = segmentBytes
    let number = 0
    for (const segment of counts.keys()) number = Math.max(number, segment)
    const end = damaged.includes(number) ? undefined : counts.get(number)?.bytes
    this.#last = { number, end: end ?? Infinity }
  }

  get counts(): ReadonlyMap<number, SegmentCount> {
    return this.#counts
  }

  /** Nothing is written to it any more. */
  isSealed(segment: number): boolean {
    return segment < this.#last.number
  }

  /** The places of the records, in their order, once they would survive a power cut. One call at a time. */
  async append(records: readonly NewRecord[]): Promise<readonly Place[]> {
    const total = records.reduce((sum, { bytes }) => sum + recordBytes(bytes.length), 0)
    if (this.#last.end > 0 && this.#last.end + total > this.#segmentBytes)
      this.#last = { number: this.#last.number + 1, end: 0 }
    const { number: segment, end } = this.#last
    let at = end
    const places = records.map(({ bytes: { length } }): Place => {
      const offset = at + HEAD_BYTES
      at += recordBytes(length)
      return { segment, offset, length }
    })
    await this.disk.append(segment, end, piecesOf(records, total))
    this.#last.end = at
    return places
  }

  /** Records were appended there, and a row tells of those that are live. */
  added(place: Place, isLive: boolean): void {
    const bytes = recordBytes(place.length)
    this.#change(place.segment, bytes, isLive ? bytes : 0)
  }

  /** No row points there any more. */
  died(place: Place): void {
    this.#change(place.segment, 0, -recordBytes(place.length))
  }

  /** Segments whose counts have changed since the last call. */
  takeTouched(): readonly number[] {
    const touched = [...this.#touched]
    this.#touched.clear()
    return touched
  }

  /** To be called once its row is gone. */
  async remove(segment: number): Promise<void> {
    this.#counts.delete(segment)
    this.#touched.delete(segment)
    await this.disk.remove(segment)
  }

  /** The heads of a segment's records in their order, with the place of their bytes. Ends early where one is damaged. */
  async *scan(segment: number): AsyncGenerator<{ readonly digest: Uint8Array; readonly place: Place }> {
    const end = this.#counts.get(segment)?.bytes ?? 0
    let window: { at: number; bytes: Buffer } = { at: 0, bytes: Buffer.alloc(0) }
    for (let at = 0; at + HEAD_BYTES <= end;) {
      if (at < window.at || at + HEAD_BYTES > window.at + window.bytes.length) {
        const length = Math.min(SCAN_BYTES, end - at)
        window = { at, bytes: (await this.disk.read(segment, at, length)) ?? Buffer.alloc(0) }
      }
      const head = readHead(window.bytes, at - window.at)
      if (head === undefined) return
      yield { digest: head.digest, place: { segment, offset: at + HEAD_BYTES, length: head.length } }
      at += recordBytes(head.length)
    }
  }

  #change(segment: number, bytes: number, live: number): void {
    const before = this.#counts.get(segment) ?? { bytes: 0, live: 0 }
    this.#counts.set(segment, { bytes: before.bytes + bytes, live: before.live + live })
    this.#touched.add(segment)
  }
}

function piecesOf(records: readonly NewRecord[], total: number): readonly Uint8Array[] {
  if (total <= COPY_BYTES) {
    const all = Buffer.allocUnsafe(total)
    let at = 0
    for (const { digest, bytes } of records) {
      writeHead(all, at, { digest, length: bytes.length })
      all.set(bytes, at + HEAD_BYTES)
      at += recordBytes(bytes.length)
    }
    return [all]
  }
  const heads = Buffer.allocUnsafe(records.length * HEAD_BYTES)
  return records.flatMap(({ digest, bytes }, i) => {
    writeHead(heads, i * HEAD_BYTES, { digest, length: bytes.length })
    return [heads.subarray(i * HEAD_BYTES, (i + 1) * HEAD_BYTES), bytes]
  })
}
