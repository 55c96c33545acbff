import type { Parts } from '../service.ts'
import { STORAGE_LIMITS } from './limits.ts'

const LENGTH_BYTES = 4
/** So many bytes of blocks are copied to stand together in one chunk; what is more goes as it is. */
const GATHERED_BYTES = 4096
const EMPTY = new Uint8Array(0)

interface HasBytes {
  readonly bytes: Uint8Array
}

/**
 * The body of a `dag` answer: each block behind its length as u32 LE, in chunks of at most `chunkBytes` that are cut without
 * regard to blocks. A chunk is two parts: `body` is a view of a block, and `head` a copy of the little that stands before it.
 * The rest of a block that a chunk leaves over stands before the next, so that nearly all chunks are full. `chunkBytes` is 4
 * or more.
 * @see specs/storage.md, section 3.2
 */
export async function* blockChunks(
  blocks: AsyncIterable<HasBytes>,
  chunkBytes: number = STORAGE_LIMITS.chunkBytes
): AsyncGenerator<Parts, void> {
  const gathered = new Gathered(Math.min(GATHERED_BYTES, chunkBytes))
  for await (const { bytes } of blocks) {
    if (!gathered.hasRoom(LENGTH_BYTES)) yield { head: EMPTY, body: gathered.take() }
    gathered.addLength(bytes.length)
    let at = 0
    while (!gathered.hasRoom(bytes.length - at)) {
      const to = Math.min(bytes.length, at + chunkBytes - gathered.length)
      yield { head: gathered.take(), body: bytes.subarray(at, to) }
      at = to
    }
    gathered.add(bytes.subarray(at))
  }
  if (gathered.length > 0) yield { head: EMPTY, body: gathered.take() }
}

/** The same in whole pieces, of which each is a copy. */
export async function* framedBlocks(
  blocks: AsyncIterable<HasBytes>,
  chunkBytes: number = STORAGE_LIMITS.chunkBytes
): AsyncGenerator<Uint8Array, void> {
  for await (const { head, body } of blockChunks(blocks, chunkBytes)) {
    if (head.length === 0) {
      yield body
      continue
    }
    const chunk = new Uint8Array(head.length + body.length)
    chunk.set(head)
    chunk.set(body, head.length)
    yield chunk
  }
}

/** Little bytes one behind the other, until they are taken. */
class Gathered {
  readonly #most: number
  #bytes: Uint8Array = EMPTY
  #length = 0

  constructor(most: number) {
    this.#most = most
  }

  get length(): number {
    return this.#length
  }

  hasRoom(bytes: number): boolean {
    return this.#length + bytes <= this.#most
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#grow(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  addLength(length: number): void {
    this.#grow(LENGTH_BYTES)
    for (let n = 0; n < LENGTH_BYTES; n++) this.#bytes[this.#length++] = length >>> (8 * n)
  }

  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = EMPTY
    this.#length = 0
    return taken
  }

  /** Most of what is gathered is the end of one block and the length of the next. */
  #grow(by: number): void {
    const need = this.#length + by
    if (need <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.min(this.#most, Math.max(need, 2 * this.#bytes.length)))
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
  }
}
