import { hash } from 'node:crypto'
import { DEFAULT_PROFILE, PROFILES, cidOf, encodeFileNode } from '../../protocols/index.ts'
import type { BlockCodec, Cid, Profile, WrittenLink } from '../../protocols/index.ts'
import { LeafCutter } from './leaf-cutter.ts'

/** A block with its content id. */
export interface Block {
  readonly cid: Cid
  readonly bytes: Uint8Array
}

/** The top of a blob. */
export interface Root {
  readonly cid: Cid
  /** Plain bytes. */
  readonly length: number
  /** Bytes of all blocks, each as often as it occurs. */
  readonly treeBytes: number
}

export interface Ending {
  readonly blocks: readonly Block[]
  readonly root: Root
}

/**
 * Bytes in, blocks out, children before their parents: the balanced DAG of a blob, as UnixFS has it. Whatever the length of
 * the blob, it keeps one leaf that is not full, and the links of one node a level.
 * @see specs/storage.md, section 2
 */
export class FileDag {
  readonly #links: number
  readonly #leaves: LeafCutter
  readonly #levels: WrittenLink[][] = [[]]

  constructor(profile: Profile = PROFILES[DEFAULT_PROFILE]) {
    this.#links = profile.links
    this.#leaves = new LeafCutter(profile.leafBytes)
  }

  /** The blocks that these bytes complete. Leaves may be views of `piece`: they hold until it is written to. */
  push(piece: Uint8Array): Block[] {
    const blocks: Block[] = []
    for (const leaf of this.#leaves.push(piece)) this.#addLeaf(leaf, blocks)
    return blocks
  }

  /** The blocks that are left, and the root. */
  end(): Ending {
    const blocks: Block[] = []
    const rest = this.#leaves.end()
    if (rest !== undefined) this.#addLeaf(rest, blocks)
    if (this.#levels.length === 1 && this.#levels[0]!.length === 0) return emptyBlob()
    for (let height = 0; ; height++) {
      const level = this.#levels[height]!
      const isTop = height === this.#levels.length - 1
      if (isTop && level.length === 1) return { blocks, root: level[0]! }
      if (level.length > 0) this.#close(height, blocks)
    }
  }

  #addLeaf(bytes: Uint8Array, blocks: Block[]): void {
    const leaf = blockOf('raw', bytes)
    blocks.push(leaf)
    this.#add(0, { cid: leaf.cid, length: bytes.length, treeBytes: bytes.length }, blocks)
  }

  #add(height: number, link: WrittenLink, blocks: Block[]): void {
    const level = (this.#levels[height] ??= [])
    level.push(link)
    if (level.length === this.#links) this.#close(height, blocks)
  }

  #close(height: number, blocks: Block[]): void {
    const links = this.#levels[height]!
    this.#levels[height] = []
    const node = blockOf('dag-pb', encodeFileNode(links))
    blocks.push(node)
    const below = (sum: number, { treeBytes }: WrittenLink): number => sum + treeBytes
    const length = links.reduce((sum, link) => sum + link.length, 0)
    const treeBytes = links.reduce(below, node.bytes.length)
    this.#add(height + 1, { cid: node.cid, length, treeBytes }, blocks)
  }
}

function emptyBlob(): Ending {
  const block = blockOf('raw', new Uint8Array())
  return { blocks: [block], root: { cid: block.cid, length: 0, treeBytes: 0 } }
}

const blockOf = (codec: BlockCodec, bytes: Uint8Array): Block => ({
  cid: cidOf(codec, hash('sha256', bytes, 'buffer')),
  bytes
})
