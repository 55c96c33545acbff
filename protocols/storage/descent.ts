import { OapError } from '../errors.ts'
import type { Cid } from './cid.ts'
import { contentFault } from './faults.ts'
import type { FileNode } from './file-node.ts'
import { STORAGE_LIMITS } from './limits.ts'

/** Plain bytes of a blob, from `offset` on. */
export interface ByteRange {
  /** 0 if missing. */
  readonly offset?: number | undefined
  /** To the end of the blob if missing or longer than what is there; 1 or more. */
  readonly length?: number | undefined
}

/** A block that comes next. */
export interface NextBlock {
  readonly cid: Cid
  /** Where its first plain byte stands in the blob. */
  readonly offset: number
  /** Its plain bytes as its parent says, undefined for the root. */
  readonly length: number | undefined
}

interface Place {
  readonly node: FileNode
  /** The child that comes next, and where it begins. */
  child: number
  offset: number
}

/**
 * The order in which the blocks of a blob come for a range: depth first, a node before its children, children in order, and
 * only those with bytes of the range. It is told what each block holds, and judges lengths and depth.
 * @see specs/storage.md, section 3.2
 */
export class Descent {
  readonly #from: number
  readonly #asked: number
  /** Where the range ends, once the root has said how long the blob is. */
  #to = Infinity
  #total: number | undefined
  readonly #path: Place[] = []
  #next: NextBlock | undefined

  /** Throws `bad_range` for a range that no blob has. */
  constructor(root: Cid, { offset = 0, length }: ByteRange = {}) {
    if (!isOffset(offset) || (length !== undefined && (!isOffset(length) || length === 0)))
      throw badRange('an offset of 0 or more and a length of 1 or more were expected')
    this.#from = offset
    this.#asked = length ?? Infinity
    this.#next = { cid: root, offset: 0, length: undefined }
  }

  /** Undefined when all that the range touches has come. */
  get next(): NextBlock | undefined {
    return this.#next
  }

  /** Plain bytes of the whole blob, as its root says; undefined before that came. */
  get totalLength(): number | undefined {
    return this.#total
  }

  /** Where the range begins and, once the root has come, ends. */
  get from(): number {
    return this.#from
  }

  get to(): number {
    return this.#to
  }

  /** The next block is a leaf of so many bytes. Throws `bad_lengths` or, for the root, `bad_range`. */
  leaf(length: number): void {
    this.#agree(length)
    this.#advance()
  }

  /** The next block is this node. Throws `bad_lengths`, `too_deep` or, for the root, `bad_range`. */
  node(node: FileNode): void {
    this.#agree(node.length)
    if (this.#path.length + 1 >= STORAGE_LIMITS.levels)
      throw contentFault('too_deep', `the blob has more than ${STORAGE_LIMITS.levels} levels of blocks`)
    this.#path.push({ node, child: 0, offset: this.#next!.offset })
    this.#advance()
  }

  #agree(length: number): void {
    const { length: said } = this.#next!
    if (said === undefined) return this.#begin(length)
    if (said !== length)
      throw contentFault('bad_lengths', `a block has ${length} plain bytes, its parent says ${said}`)
  }

  #begin(total: number): void {
    this.#total = total
    this.#to = Math.min(total, this.#from + this.#asked)
    // An empty blob has one range: all of it.
    if (this.#from >= total && this.#from + total > 0)
      throw badRange(`it begins at ${this.#from}, the blob has ${total} bytes`)
  }

  /** Goes on to the next child that has bytes of the range. */
  #advance(): void {
    for (;;) {
      const place = this.#path.at(-1)
      const link = place?.node.links[place.child]
      if (place === undefined || place.offset >= this.#to) return void (this.#next = undefined)
      if (link === undefined) {
        this.#path.pop()
        continue
      }
      const { offset } = place
      place.child++
      place.offset += link.length
      if (place.offset <= this.#from) continue
      this.#next = { cid: link.cid, offset, length: link.length }
      return
    }
  }
}

const isOffset = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

const badRange = (what: string): OapError =>
  new OapError('bad_request', `range: ${what}`, { code: 'bad_range' })
