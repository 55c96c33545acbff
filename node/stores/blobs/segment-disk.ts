/** Files of bytes that are written at their end alone, by number; the lowest is 1. */
export interface SegmentDisk {
  /**
   * Writes at the end of a segment, which it makes if `at` is 0. Resolves once all of it would survive a power cut; where it
   * fails, nothing of it stays if that can be had.
   */
  append(segment: number, at: number, pieces: readonly Uint8Array[]): Promise<void>
  /** Exactly so many bytes; undefined where there are fewer, or no such segment. */
  read(segment: number, at: number, length: number): Promise<Buffer | undefined>
  /** The same of pieces that lie one behind the other, each in memory of its own. */
  readMany(segment: number, at: number, lengths: readonly number[]): Promise<readonly Buffer[] | undefined>
  /** Takes away what lies behind so many bytes. */
  cut(segment: number, bytes: number): Promise<void>
  /** What is being read of it is still read. */
  remove(segment: number): Promise<void>
  /** How many bytes each segment has that is there. */
  sizes(): Promise<ReadonlyMap<number, number>>
  close(): Promise<void>
}

/** Segments of a store in memory. */
export class MemoryDisk implements SegmentDisk {
  readonly #segments = new Map<number, { bytes: Buffer; length: number }>()

  append(segment: number, at: number, pieces: readonly Uint8Array[]): Promise<void> {
    const added = Buffer.concat(pieces)
    const found = this.#segments.get(segment) ?? { bytes: Buffer.alloc(0), length: 0 }
    const needed = at + added.length
    if (needed > found.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * found.bytes.length))
      found.bytes.copy(larger, 0, 0, at)
      found.bytes = larger
    }
    found.bytes.set(added, at)
    found.length = needed
    this.#segments.set(segment, found)
    return Promise.resolve()
  }

  read(segment: number, at: number, length: number): Promise<Buffer | undefined> {
    const found = this.#segments.get(segment)
    if (found === undefined || at + length > found.length) return Promise.resolve(undefined)
    return Promise.resolve(Buffer.from(found.bytes.subarray(at, at + length)))
  }

  async readMany(
    segment: number,
    at: number,
    lengths: readonly number[]
  ): Promise<readonly Buffer[] | undefined> {
    const pieces: Buffer[] = []
    let next = at
    for (const length of lengths) {
      const piece = await this.read(segment, next, length)
      if (piece === undefined) return undefined
      pieces.push(piece)
      next += length
    }
    return pieces
  }

  cut(segment: number, bytes: number): Promise<void> {
    const found = this.#segments.get(segment)
    if (found !== undefined) found.length = Math.min(found.length, bytes)
    return Promise.resolve()
  }

  remove(segment: number): Promise<void> {
    this.#segments.delete(segment)
    return Promise.resolve()
  }

  sizes(): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map([...this.#segments].map(([segment, { length }]) => [segment, length])))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
