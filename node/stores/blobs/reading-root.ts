import { BlobError } from './blob-error.ts'
import { hexOf } from './keys.ts'
import type { Leases } from './leases.ts'
import type { ReadNodes } from './read-nodes.ts'
import type { BlockReader } from './reading.ts'
import type { BlobClass, BlockId, ReadingLease } from './types.ts'

const MOST_AT_ONCE = 64

type Known = Pick<ReadingLease, 'class' | 'length' | 'contentType'>

interface Gathered {
  readonly ids: BlockId[]
  readonly found: Promise<readonly (Uint8Array | undefined)[]>
}

/** A lease on a root, whose blocks it reads. */
export class ReadingRoot implements ReadingLease {
  readonly root: BlockId
  readonly #hex: string
  readonly #reader: BlockReader
  readonly #leases: Leases
  readonly #nodes: ReadNodes
  /** What is asked for in this turn, and will be read together. */
  #asked: Gathered | undefined
  #known: Known = { class: 'private', length: 0, contentType: undefined }
  #isOpen = true

  constructor(root: BlockId, reader: BlockReader, leases: Leases, nodes: ReadNodes) {
    this.root = root
    this.#nodes = nodes
    this.#hex = hexOf(root.digest)
    this.#reader = reader
    this.#leases = leases
    leases.add(this.#hex)
  }

  get length(): number {
    return this.#known.length
  }

  get contentType(): string | undefined {
    return this.#known.contentType
  }

  get class(): BlobClass {
    return this.#known.class
  }

  of(known: Known): this {
    this.#known = known
    return this
  }

  /**
   * What `find` yields; without it the lease is released. It is held before anything is looked for, so that nothing is
   * collected in between.
   */
  async orRelease(find: () => Promise<this | undefined>): Promise<this | undefined> {
    let found: this | undefined
    try {
      return (found = await find())
    } finally {
      if (found === undefined) this.release()
    }
  }

  async get(id: BlockId): Promise<Uint8Array | undefined> {
    this.#check()
    if (id.codec === 'raw') return await this.#read(id)
    const hex = hexOf(id.digest)
    const kept = this.#nodes.get(hex)
    if (kept !== undefined) return kept
    const node = await this.#read(id)
    if (node !== undefined) this.#nodes.keep(hex, node)
    return node
  }

  async #read(id: BlockId): Promise<Uint8Array | undefined> {
    if (this.#asked === undefined || this.#asked.ids.length === MOST_AT_ONCE) this.#asked = this.#gather()
    const { ids, found } = this.#asked
    const at = ids.push(id) - 1
    try {
      return (await found)[at]
    } catch (error) {
      // One that has rotted must not take the others along.
      if (ids.length === 1) throw error
      return await this.#reader.get(id)
    }
  }

  async getMany(ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#check()
    if (ids.length > MOST_AT_ONCE) throw new RangeError(`at most ${MOST_AT_ONCE} blocks at once`)
    return await this.#reader.getMany(ids)
  }

  #gather(): Gathered {
    const ids: BlockId[] = []
    const found = Promise.resolve().then(() => {
      if (this.#asked?.ids === ids) this.#asked = undefined
      return this.#reader.getMany(ids)
    })
    return { ids, found }
  }

  release(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#leases.remove(this.#hex)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #check(): void {
    if (!this.#isOpen) throw new BlobError('closed', 'the lease was released')
  }
}
