import { EMPTY_ROOT, HASH_BYTES, rowRoot } from '../../federation/index.ts'
import type { NodeReader } from '../../federation/index.ts'
import { TILE_WIDTH, tileOfNode, tilePath, tileWidth } from './tile.ts'
import type { TileFiles } from './tile-files.ts'
import type { TreeEdge } from './tree-edge.ts'

/** Reads the nodes that proofs need out of the tiles of a growing tree. */
export class ProofSource {
  readonly #edge: TreeEdge
  readonly #tiles: TileFiles

  constructor(edge: TreeEdge, tiles: TileFiles) {
    this.#edge = edge
    this.#tiles = tiles
  }

  /**
   * What `build` makes of the nodes that it reads; it runs twice, first to find out which. Reads at most one tile of
   * 8 KiB a level and side.
   * @throws Error naming the tile that is missing.
   */
  async prove<T>(build: (node: NodeReader) => T): Promise<T> {
    const rows = new Map<string, Uint8Array | Promise<Uint8Array>>()
    build((level, index) => {
      const tile = tileOfNode(level, index)
      const key = `${tile.level}/${tile.index}`
      if (!rows.has(key)) rows.set(key, this.row(tile.level, tile.index))
      return EMPTY_ROOT
    })
    const read = new Map<string, Uint8Array>()
    for (const [key, row] of rows) read.set(key, await row)
    return build((level, index) => {
      const tile = tileOfNode(level, index)
      const row = read.get(`${tile.level}/${tile.index}`)!
      return rowRoot(row.subarray(tile.first * HASH_BYTES, (tile.first + tile.count) * HASH_BYTES))
    })
  }

  /** The hashes of a tile, as many as there are. Those at the edge are copied at once: they move with the next entry. */
  row(level: number, index: number): Uint8Array | Promise<Uint8Array> {
    const width = tileWidth(level, index, this.#edge.size)
    return width < TILE_WIDTH ? Uint8Array.from(this.#edge.row(level)) : this.#full(level, index)
  }

  async #full(level: number, index: number): Promise<Uint8Array> {
    const tile = { level, index, width: TILE_WIDTH }
    const row = await this.#tiles.read(tile)
    if (row !== undefined) return row
    throw new Error(`audit log: ${tilePath(tile)} is missing or cut; restore it from a backup`)
  }
}
