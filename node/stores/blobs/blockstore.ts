import { BlobError } from './blob-error.ts'
import { MAX_BLOCK_BYTES } from './types.ts'
import type { BlockId, Blocks } from './types.ts'

const RAW = 0x55
const DAG_PB = 0x70
const SHA2_256 = 0x12

/** What is needed of a CID, as `multiformats` has it. */
export interface CidLike {
  readonly code: number
  readonly multihash: { readonly code: number; readonly digest: Uint8Array }
}

type Pieces = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

interface Abort {
  readonly signal?: AbortSignal
}

type Many<T> = Iterable<T> | AsyncIterable<T>

export interface Pair<C> {
  readonly cid: C
  readonly bytes: AsyncGenerator<Uint8Array>
}

/**
 * Blocks of the store as `interface-blockstore` 7 has them, for programs written against that; `cidOf` makes a CID of the
 * program's own kind. Takes CIDs of raw and dag-pb blocks with sha2-256.
 */
export class Blockstore<C extends CidLike> {
  readonly #blocks: Blocks
  readonly #cidOf: (id: BlockId) => C

  constructor(blocks: Blocks, cidOf: (id: BlockId) => C) {
    this.#blocks = blocks
    this.#cidOf = cidOf
  }

  /** @throws BlobError `bad_digest`, `block_oversize` before more than a block is read */
  async put(cid: C, pieces: Pieces, { signal }: Abort = {}): Promise<C> {
    signal?.throwIfAborted()
    const id = idOf(cid)
    const bytes = await whole(pieces)
    signal?.throwIfAborted()
    await this.#blocks.put(id, bytes)
    return cid
  }

  async *putMany(
    pairs: Many<{ readonly cid: C; readonly bytes: Pieces }>,
    options: Abort = {}
  ): AsyncGenerator<C> {
    for await (const { cid, bytes } of pairs) yield await this.put(cid, bytes, options)
  }

  /** @throws an error named `NotFoundError` */
  async *get(cid: C, { signal }: Abort = {}): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted()
    const bytes = await this.#blocks.get(idOf(cid))
    signal?.throwIfAborted()
    if (bytes === undefined) throw Object.assign(new Error('no such block'), { name: 'NotFoundError' })
    yield new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  async *getMany(cids: Many<C>, options: Abort = {}): AsyncGenerator<Pair<C>> {
    for await (const cid of cids) yield { cid, bytes: this.get(cid, options) }
  }

  async *getAll(options: Abort = {}): AsyncGenerator<Pair<C>> {
    for await (const id of this.#blocks.list(options)) {
      const cid = this.#cidOf(id)
      yield { cid, bytes: this.get(cid, options) }
    }
  }

  async has(cid: C, { signal }: Abort = {}): Promise<boolean> {
    signal?.throwIfAborted()
    return await this.#blocks.has(idOf(cid))
  }

  async delete(cid: C, { signal }: Abort = {}): Promise<void> {
    signal?.throwIfAborted()
    await this.#blocks.delete(idOf(cid))
  }

  async *deleteMany(cids: Many<C>, options: Abort = {}): AsyncGenerator<C> {
    for await (const cid of cids) {
      await this.delete(cid, options)
      yield cid
    }
  }
}

function idOf({ code, multihash }: CidLike): BlockId {
  if (multihash.code !== SHA2_256 || (code !== RAW && code !== DAG_PB))
    throw new RangeError('a CID of a raw or dag-pb block with sha2-256 is expected')
  return { codec: code === RAW ? 'raw' : 'dag-pb', digest: multihash.digest }
}

async function whole(pieces: Pieces): Promise<Uint8Array> {
  if (pieces instanceof Uint8Array) return pieces
  const all: Uint8Array[] = []
  let length = 0
  for await (const piece of pieces) {
    length += piece.length
    if (length > MAX_BLOCK_BYTES)
      throw new BlobError('block_oversize', `more than ${MAX_BLOCK_BYTES} bytes, as much as a block may have`)
    all.push(piece)
  }
  return Buffer.concat(all)
}
