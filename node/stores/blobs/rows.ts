import { sealedJson, unsealJson } from '../mailbox/seal.ts'
import { decodeBlockRow, encodeBlockRow } from './block-row.ts'
import type { BlockRow, Place } from './block-row.ts'
import { blockKey, garbageKey } from './keys.ts'
import type { Codec } from './types.ts'

export type RowBytes = Uint8Array | undefined

/** Of a block whose row was damaged: nobody knows what holds it, so it is never collected. */
export const UNKNOWN_HOLDS = 0x8000_0000

const EMPTY = new Uint8Array(0)

/** What one change does to the rows, over what those before it in the batch have done; dropped where the change throws. */
export class Rows {
  readonly #before: ReadonlyMap<string, RowBytes>
  readonly changed = new Map<string, RowBytes>()
  /** Records that a row now points at, and those that none does any more. */
  readonly alive = new Set<Place>()
  readonly dead: Place[] = []

  constructor(before: ReadonlyMap<string, RowBytes>) {
    this.#before = before
  }

  /** A row whose key the change has named. */
  get(key: string): RowBytes {
    if (this.changed.has(key)) return this.changed.get(key)
    if (!this.#before.has(key)) throw new Error(`${key} was not read for this change`)
    return this.#before.get(key)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  put(key: string, bytes: Uint8Array = EMPTY): void {
    this.changed.set(key, bytes)
  }

  del(key: string): void {
    this.changed.set(key, undefined)
  }

  json<T>(key: string): T | undefined {
    return unsealJson<T>(key, this.get(key))
  }

  putJson(key: string, value: unknown): void {
    this.put(key, sealedJson(key, value))
  }

  block(hex: string): BlockRow | undefined {
    const key = blockKey(hex)
    const bytes = this.get(key)
    if (bytes === undefined) return undefined
    const row = decodeBlockRow(key, bytes)
    return typeof row === 'string' ? undefined : row
  }

  putBlock(hex: string, row: BlockRow): void {
    const key = blockKey(hex)
    this.put(key, encodeBlockRow(key, row))
  }

  /** The bytes of a block are there from now on, whether it had some before or not. */
  point(hex: string, codec: Codec, place: Place): BlockRow {
    const found = this.block(hex)
    if (found !== undefined) this.dead.push(found)
    this.alive.add(place)
    const isDamaged = found === undefined && this.has(blockKey(hex))
    const row = found ?? {
      holds: isDamaged ? UNKNOWN_HOLDS : 0,
      codec,
      isWhole: false,
      isPublic: false
    }
    const pointed = {
      ...row,
      segment: place.segment,
      offset: place.offset,
      length: place.length
    }
    this.putBlock(hex, pointed)
    return pointed
  }

  hold(hex: string): void {
    this.#addHolds(hex, 1)
  }

  release(hex: string): void {
    this.#addHolds(hex, -1)
  }

  #addHolds(hex: string, by: number): void {
    const row = this.block(hex)
    if (row === undefined) return
    const holds = Math.max(0, row.holds + by)
    this.putBlock(hex, { ...row, holds })
    if (holds === 0) this.put(garbageKey(hex))
  }
}
