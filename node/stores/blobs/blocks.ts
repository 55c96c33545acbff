import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import { decodeBlockRow } from './block-row.ts'
import { KIND, LOOSE, blockKey, digestOf, hexOf, holdKey, lastHex, rangeOf } from './keys.ts'
import { isOf } from './reading.ts'
import type { BlockReader } from './reading.ts'
import { MAX_BLOCK_BYTES } from './types.ts'
import type { BlockId, Blocks } from './types.ts'
import type { Writer } from './writer.ts'

const ROWS_AT_ONCE = 256
const MOST_ASKED = 1024

/** @throws BlobError `bad_digest`, `block_oversize` */
export function checkBlock({ digest }: BlockId, bytes: Uint8Array): void {
  if (bytes.length > MAX_BLOCK_BYTES)
    throw new BlobError('block_oversize', `${bytes.length} bytes; a block has at most ${MAX_BLOCK_BYTES}`)
  if (!isOf(digest, bytes))
    throw new BlobError('bad_digest', `block ${hexOf(digest)}: its bytes do not have its digest`)
}

/** Blocks of the store, each held by a `put` of its own or by what has it. */
export class HeldBlocks implements Blocks {
  readonly #level: Level
  readonly #reader: BlockReader
  readonly #writer: Writer

  constructor(level: Level, reader: BlockReader, writer: Writer) {
    this.#level = level
    this.#reader = reader
    this.#writer = writer
  }

  async get(id: BlockId): Promise<Uint8Array | undefined> {
    return (await this.has(id)) ? await this.#reader.get(id) : undefined
  }

  async has(id: BlockId): Promise<boolean> {
    const [has = false] = await this.hasMany([id])
    return has
  }

  async hasMany(ids: readonly BlockId[]): Promise<readonly boolean[]> {
    if (ids.length > MOST_ASKED) throw new RangeError(`at most ${MOST_ASKED} blocks at once`)
    const rows = await this.#reader.rows(ids.map(({ digest }) => hexOf(digest)))
    return rows.map(row => row !== undefined && row.holds > 0)
  }

  async put(id: BlockId, bytes: Uint8Array): Promise<void> {
    checkBlock(id, bytes)
    const hex = hexOf(id.digest)
    const loose = holdKey(LOOSE, hex)
    await this.#writer.commit({
      records: [{ digest: id.digest, bytes }],
      keys: [blockKey(hex), loose],
      apply(rows, [place]) {
        rows.point(hex, id.codec, place!)
        if (rows.has(loose)) return
        rows.put(loose)
        rows.hold(hex)
      }
    })
  }

  async delete({ digest }: BlockId): Promise<void> {
    const hex = hexOf(digest)
    const loose = holdKey(LOOSE, hex)
    await this.#writer.commit({
      records: [],
      keys: [blockKey(hex), loose],
      apply(rows) {
        if (!rows.has(loose)) return
        rows.del(loose)
        rows.release(hex)
      }
    })
  }

  async *list({ after, signal }: { readonly after?: Uint8Array; readonly signal?: AbortSignal } = {}) {
    let last = after === undefined ? '' : hexOf(after)
    for (;;) {
      signal?.throwIfAborted()
      const range = rangeOf(KIND.block, '', last)
      const found = await this.#level.iterator({ ...range, limit: ROWS_AT_ONCE }).all()
      for (const [key, bytes] of found) {
        const row = decodeBlockRow(key, bytes)
        if (typeof row !== 'string' && row.holds > 0)
          yield { codec: row.codec, digest: digestOf(lastHex(key)) }
      }
      if (found.length < ROWS_AT_ONCE) return
      last = lastHex(found.at(-1)![0])
    }
  }
}
