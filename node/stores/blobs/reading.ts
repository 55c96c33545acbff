import { hash } from 'node:crypto'
import { errorCode } from '../../setup-error.ts'
import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import { decodeBlockRow } from './block-row.ts'
import type { BlockRow, Place } from './block-row.ts'
import { blockKey, hexOf } from './keys.ts'
import { HEAD_BYTES } from './record-head.ts'
import type { Segments } from './segments.ts'
import type { BlockId } from './types.ts'

/** Blocks that lie one behind the other are read together, up to so many bytes. */
const RUN_BYTES = 1024 * 1024
/** A block that is moved while it is read is looked for again. */
const LOOKS = 4
const LACKING: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM']

export const isOf = (digest: Uint8Array, bytes: Uint8Array): boolean =>
  hash('sha256', bytes, 'buffer').equals(digest)

export const rotten = (hex: string, detail: string, cause?: unknown): BlobError =>
  new BlobError('rotten', `block ${hex}: ${detail}`, { cause })

interface Wanted {
  readonly index: number
  readonly hex: string
  readonly digest: Uint8Array
  readonly place: Place
}

/** Blocks as they are on the disk, each hashed again. */
export class BlockReader {
  readonly #level: Level
  readonly #segments: Segments

  constructor(level: Level, segments: Segments) {
    this.#level = level
    this.#segments = segments
  }

  /** What is known of blocks, in the order asked. Undefined where nothing is. @throws BlobError `rotten` */
  async rows(hexes: readonly string[]): Promise<readonly (BlockRow | undefined)[]> {
    const keys = hexes.map(blockKey)
    const values = keys.length === 1 ? [await this.#level.get(keys[0]!)] : await this.#level.getMany(keys)
    return values.map((bytes, i) => {
      if (bytes === undefined) return undefined
      const row = decodeBlockRow(keys[i]!, bytes)
      if (typeof row === 'string') throw rotten(hexes[i]!, `its row: ${row}`)
      return row
    })
  }

  /** Also what nothing holds any more, as long as it is there. @throws BlobError `rotten` */
  async getMany(ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]> {
    const hexes = ids.map(({ digest }) => hexOf(digest))
    const found: (Uint8Array | undefined)[] = ids.map(() => undefined)
    let missed = ids.map((_, i) => i)
    for (let look = 1; missed.length > 0; look++) {
      const rows = await this.rows(missed.map(i => hexes[i]!))
      const wanted = missed.flatMap((index, n): Wanted[] => {
        const place = rows[n]
        return place === undefined ? [] : [{ index, hex: hexes[index]!, digest: ids[index]!.digest, place }]
      })
      missed = []
      for (const run of runsOf(wanted)) missed.push(...(await this.#read(run, found)))
      if (missed.length > 0 && look === LOOKS) throw rotten(hexes[missed[0]!]!, 'its bytes are not there')
    }
    return found
  }

  async get(id: BlockId): Promise<Uint8Array | undefined> {
    const [bytes] = await this.getMany([id])
    return bytes
  }

  /** Reads what lies together; yields which of it was not there. */
  async #read(run: readonly Wanted[], found: (Uint8Array | undefined)[]): Promise<readonly number[]> {
    const { segment, offset } = run[0]!.place
    const pieces = await this.#pieces(run[0]!.hex, segment, offset, lengthsOf(run))
    if (pieces === undefined) {
      // One that is cut off must not take those before it along.
      if (run.length === 1) return [run[0]!.index]
      const missed: number[] = []
      for (const one of run) missed.push(...(await this.#read([one], found)))
      return missed
    }
    const moved: number[] = []
    for (const [n, { index, hex, digest, place }] of run.entries()) {
      // Between two blocks lies the head of the second.
      const block = pieces[2 * n]!
      if (isOf(digest, block)) found[index] = block
      else if (await this.#isThere(hex, place)) throw rotten(hex, 'its bytes do not have its digest')
      else moved.push(index)
    }
    return moved
  }

  async #isThere(hex: string, place: Place): Promise<boolean> {
    const [row] = await this.rows([hex])
    return row?.segment === place.segment && row.offset === place.offset
  }

  async #pieces(
    hex: string,
    segment: number,
    at: number,
    lengths: readonly number[]
  ): Promise<readonly Buffer[] | undefined> {
    try {
      return await this.#segments.disk.readMany(segment, at, lengths)
    } catch (error) {
      // What the process lacks says nothing about the disk.
      if (LACKING.includes(errorCode(error) ?? '')) throw error
      throw rotten(hex, `its bytes cannot be read: ${(error as Error).message}`, error)
    }
  }
}

const lengthsOf = (run: readonly Wanted[]): number[] =>
  run.flatMap(({ place }, n) => (n === 0 ? [place.length] : [HEAD_BYTES, place.length]))

function runsOf(wanted: readonly Wanted[]): readonly (readonly Wanted[])[] {
  const ordered = [...wanted].sort(
    (a, b) => a.place.segment - b.place.segment || a.place.offset - b.place.offset
  )
  const runs: Wanted[][] = []
  let end = { segment: -1, next: -1, bytes: 0 }
  for (const one of ordered) {
    const { segment, offset, length } = one.place
    const isNext =
      segment === end.segment && offset === end.next && end.bytes + HEAD_BYTES + length <= RUN_BYTES
    if (isNext) runs.at(-1)!.push(one)
    else runs.push([one])
    end = {
      segment,
      next: offset + length + HEAD_BYTES,
      bytes: (isNext ? end.bytes + HEAD_BYTES : 0) + length
    }
  }
  return runs
}
