import type { Cid } from './cid.ts'
import { Descent } from './descent.ts'
import type { ByteRange } from './descent.ts'
import { providerFault } from './faults.ts'
import { decodeFileNode } from './file-node.ts'
import { STORAGE_LIMITS } from './limits.ts'

/** SHA-256 piece by piece: `createHash('sha256')` of Node and `sha256.create()` of @noble/hashes are such. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

export interface DagVerifierOptions extends ByteRange {
  readonly cid: Cid
  /** A new hash for each block. */
  readonly sha256: () => Sha256
}

/** A block that has the hash which its parent named. */
export interface VerifiedBlock {
  readonly cid: Cid
  /** All of it, in order: views of what was pushed, or copies of it. */
  readonly block: readonly Uint8Array[]
  /** Where the first byte of `plain` stands in the blob. */
  readonly offset: number
  /** The bytes of the range in it; empty for a node. */
  readonly plain: readonly Uint8Array[]
}

/** Reads the body of a `dag` answer. */
export interface DagVerifier {
  /**
   * Takes the next bytes, cut anywhere, and yields the blocks that they complete, proved. Bytes are kept as views until
   * then, so the caller must not write to them; never more than one block is held.
   *
   * Throws a provider's fault (`bad_block`, `block_oversize`, `dag_surplus`), a fault of the content (`bad_node`,
   * `bad_lengths`, `too_deep`), or `bad_range`; from then on it throws the same for everything. What came before in the
   * same bytes is proved all the same: `takeProved` yields it.
   */
  push(bytes: Uint8Array): VerifiedBlock[]
  /** The blocks that the `push` which threw had proved before. */
  takeProved(): VerifiedBlock[]
  /** Says that no more comes. Throws `dag_cut` unless all of the range came. */
  end(): void
  /** True when all of the range came. */
  readonly isDone: boolean
  /** Plain bytes of the whole blob; undefined before its root is proved. */
  readonly totalLength: number | undefined
  /** The first plain byte that is not proved yet: where another provider would go on. */
  readonly offset: number
}

/** Throws `bad_range` for a range that no blob has. @see specs/storage.md, section 3.2 */
export const dagVerifier = (options: DagVerifierOptions): DagVerifier => new Verifier(options)

const LENGTH_BYTES = 4
/** A block in more pieces than this is put together: small pieces may each hold a large buffer. */
const MOST_PIECES = 16

class Verifier implements DagVerifier {
  readonly #descent: Descent
  readonly #sha256: () => Sha256
  #offset: number
  /** The block's own length, read byte by byte. */
  #lengthBytes = 0
  #blockLength = 0
  #left = 0
  #hash: Sha256 | undefined
  #pieces: Uint8Array[] = []
  #whole: Uint8Array | undefined
  #proved: VerifiedBlock[] = []
  #error: unknown

  constructor({ cid, sha256, ...range }: DagVerifierOptions) {
    this.#descent = new Descent(cid, range)
    this.#offset = this.#descent.from
    this.#sha256 = sha256
  }

  get isDone(): boolean {
    return this.#descent.next === undefined
  }

  get totalLength(): number | undefined {
    return this.#descent.totalLength
  }

  get offset(): number {
    return this.#offset
  }

  push(bytes: Uint8Array): VerifiedBlock[] {
    if (this.#error !== undefined) throw this.#error
    try {
      let at = 0
      while (at < bytes.length)
        at = this.#hash === undefined ? this.#readLength(bytes, at) : this.#read(bytes, at)
    } catch (error) {
      this.#error = error
      this.#forget()
      throw error
    }
    return this.takeProved()
  }

  takeProved(): VerifiedBlock[] {
    const proved = this.#proved
    this.#proved = []
    return proved
  }

  end(): void {
    if (this.#error !== undefined) throw this.#error
    if (this.isDone) return
    this.#error = providerFault('dag_cut', `the blocks end before byte ${this.#offset} of the blob`)
    this.#forget()
    throw this.#error
  }

  #readLength(bytes: Uint8Array, from: number): number {
    const next = this.#descent.next
    if (next === undefined) throw providerFault('dag_surplus', 'bytes follow the last block')
    let at = from
    while (this.#lengthBytes < LENGTH_BYTES && at < bytes.length)
      this.#blockLength += bytes[at++]! * 256 ** this.#lengthBytes++
    if (this.#lengthBytes < LENGTH_BYTES) return at
    const most = next.cid.codec === 'raw' ? STORAGE_LIMITS.leafBytes : STORAGE_LIMITS.nodeBytes
    if (this.#blockLength > most)
      throw providerFault('block_oversize', `a block of ${this.#blockLength} bytes, at most ${most}`)
    this.#left = this.#blockLength
    this.#hash = this.#sha256()
    if (this.#left === 0) this.#finish(next.cid)
    return at
  }

  #read(bytes: Uint8Array, from: number): number {
    const to = Math.min(bytes.length, from + this.#left)
    const piece = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
    this.#hash!.update(piece)
    this.#keep(piece)
    this.#left -= piece.length
    if (this.#left === 0) this.#finish(this.#descent.next!.cid)
    return to
  }

  #keep(piece: Uint8Array): void {
    if (this.#whole !== undefined) return this.#whole.set(piece, this.#blockLength - this.#left)
    if (this.#pieces.length < MOST_PIECES) return void this.#pieces.push(piece)
    this.#whole = new Uint8Array(this.#blockLength)
    let at = 0
    for (const held of this.#pieces) {
      this.#whole.set(held, at)
      at += held.length
    }
    this.#whole.set(piece, at)
    this.#pieces = [this.#whole]
  }

  /** The block is whole: nothing of it is passed on before its hash is right. */
  #finish(cid: Cid): void {
    if (!isSame(this.#hash!.digest(), cid.digest))
      throw providerFault(
        'bad_block',
        `the block at byte ${this.#descent.next!.offset} is not the one that was named`
      )
    const block = this.#pieces
    const length = this.#blockLength
    const { offset } = this.#descent.next!
    if (cid.codec === 'raw') {
      this.#descent.leaf(length)
      this.#pass({ cid, block, ...this.#inRange(block, offset, length) })
    } else {
      this.#descent.node(decodeFileNode(joined(block, length)))
      this.#pass({ cid, block, offset, plain: [] })
    }
    this.#forget()
  }

  #pass(block: VerifiedBlock): void {
    this.#proved.push(block)
    for (const { length } of block.plain) this.#offset += length
  }

  #inRange(
    block: readonly Uint8Array[],
    offset: number,
    length: number
  ): Pick<VerifiedBlock, 'offset' | 'plain'> {
    const { from, to } = this.#descent
    if (offset >= from && offset + length <= to) return { offset, plain: block }
    const first = Math.max(from, offset)
    return { offset: first, plain: within(block, first - offset, Math.min(to, offset + length) - offset) }
  }

  #forget(): void {
    this.#hash = undefined
    this.#pieces = []
    this.#whole = undefined
    this.#lengthBytes = 0
    this.#blockLength = 0
    this.#left = 0
  }
}

/** The bytes from `from` to `to` of pieces that stand one after the other. */
function within(pieces: readonly Uint8Array[], from: number, to: number): Uint8Array[] {
  const inside: Uint8Array[] = []
  let at = 0
  for (const piece of pieces) {
    const part = piece.subarray(Math.max(0, from - at), Math.max(0, to - at))
    if (part.length > 0) inside.push(part)
    at += piece.length
  }
  return inside
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return false
  return true
}
