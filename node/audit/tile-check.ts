import { EMPTY_ROOT, HASH_BYTES, isSameHash, rootOf } from '../../federation/index.ts'
import type { Checkpoint } from '../../federation/index.ts'
import { ProofSource } from './proof-source.ts'
import { TILE_WIDTH, type Tile, partialTiles } from './tile.ts'
import type { TileFiles } from './tile-files.ts'
import { type FullTile, TreeEdge } from './tree-edge.ts'

/** Compares the tiles that follow from the entries with the files, as far as a checkpoint covers them. */
export class TileCheck {
  readonly #tiles: TileFiles
  readonly #covered: number
  #queue: FullTile[] = []
  #wrong: FullTile | undefined

  constructor(tiles: TileFiles, covered: number) {
    this.#tiles = tiles
    this.#covered = covered
  }

  /** The first tile, of the lowest level, whose file is missing or another. */
  get wrong(): Tile | undefined {
    return this.#wrong
  }

  put(tile: FullTile): void {
    const end = (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH ** tile.level
    if (end <= this.#covered) this.#queue.push(tile)
  }

  /** Compares what was put so far. */
  async settle(): Promise<void> {
    const queue = this.#queue
    this.#queue = []
    for (const tile of queue) {
      if (this.#wrong !== undefined && this.#wrong.level <= tile.level) continue
      const found = await this.#tiles.read(tile)
      if (found === undefined || !isSameHash(found, tile.bytes)) this.#wrong = tile
    }
  }

  /** The first entry that is not the one that the tiles hold; undefined unless the tiles give the checkpoint's root. */
  async firstStrange(checkpoint: Checkpoint): Promise<number | undefined> {
    const ours = this.#wrong
    if (ours?.level !== 0 || !(await this.#isRoot(checkpoint))) return undefined
    const theirs = await this.#tiles.read(ours)
    if (theirs === undefined) return undefined
    for (let at = 0; at < theirs.length; at += HASH_BYTES) {
      if (!isSameHash(ours.bytes.subarray(at, at + HASH_BYTES), theirs.subarray(at, at + HASH_BYTES)))
        return ours.index * TILE_WIDTH + at / HASH_BYTES
    }
    return undefined
  }

  async #isRoot({ size, root }: Checkpoint): Promise<boolean> {
    const rows = new Map<number, Uint8Array>()
    for (const tile of partialTiles(size)) {
      const row = await this.#tiles.read(tile)
      if (row === undefined) return false
      rows.set(tile.level, row)
    }
    const edge = new TreeEdge()
    edge.resume(size, ({ level }) => rows.get(level) ?? EMPTY_ROOT)
    const found = await new ProofSource(edge, this.#tiles)
      .prove(node => rootOf(size, node))
      .catch(() => EMPTY_ROOT)
    return isSameHash(found, root)
  }
}
