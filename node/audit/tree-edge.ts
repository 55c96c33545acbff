import { EMPTY_ROOT, HASH_BYTES, nodeHash, rowRoot } from '../../federation/index.ts'
import { TILE_BYTES, TILE_WIDTH, type Tile, tileWidth } from './tile.ts'

export interface FullTile extends Tile {
  readonly bytes: Uint8Array
}

/**
 * The right edge of a growing tree: of each tile level the hashes that do not fill a tile yet. It is all that is needed
 * to append and to know the root; at most 8 KiB a level.
 */
export class TreeEdge {
  #size = 0
  readonly #rows: Buffer[] = []
  readonly #full: (tile: FullTile) => void

  /** `full` gets each tile when it fills up. */
  constructor(full: (tile: FullTile) => void = () => undefined) {
    this.#full = full
  }

  get size(): number {
    return this.#size
  }

  /** Tile levels that hold hashes, or did. */
  get levels(): number {
    return this.#rows.length
  }

  append(leaf: Uint8Array): void {
    this.#size++
    this.#put(0, leaf)
  }

  /** Takes up a tree of `size` leaves; `row` gives the hashes of each partial tile at its edge. */
  resume(size: number, row: (tile: Tile) => Uint8Array): void {
    this.#size = size
    this.#rows.length = 0
    for (let level = 0; TILE_WIDTH ** level <= size; level++) {
      const index = Math.floor(size / TILE_WIDTH ** (level + 1))
      const width = tileWidth(level, index, size)
      const hashes = Buffer.alloc(TILE_BYTES)
      if (width > 0) hashes.set(row({ level, index, width }).subarray(0, width * HASH_BYTES))
      this.#rows.push(hashes)
    }
  }

  /** The hashes of the tile that is filling up at a level, as a view that holds until the next `append`. */
  row(level: number): Uint8Array {
    return this.#rows[level]?.subarray(0, this.#width(level) * HASH_BYTES) ?? Buffer.alloc(0)
  }

  root(): Uint8Array {
    let below: Uint8Array | undefined
    for (const level of this.#rows.keys()) below = foldRow(this.row(level), below)
    return below ?? EMPTY_ROOT
  }

  #width(level: number): number {
    return Math.floor(this.#size / TILE_WIDTH ** level) % TILE_WIDTH
  }

  #put(level: number, hash: Uint8Array): void {
    const row = (this.#rows[level] ??= Buffer.alloc(TILE_BYTES))
    const count = Math.floor(this.#size / TILE_WIDTH ** level)
    row.set(hash, ((count - 1) % TILE_WIDTH) * HASH_BYTES)
    if (count % TILE_WIDTH !== 0) return
    const index = count / TILE_WIDTH - 1
    this.#full({ level, index, width: TILE_WIDTH, bytes: Uint8Array.from(row) })
    this.#put(level + 1, rowRoot(row))
  }
}

/** The root over a row of complete subtrees and, last, the incomplete one below them. */
function foldRow(row: Uint8Array, below: Uint8Array | undefined): Uint8Array | undefined {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < row.length; at += HASH_BYTES) hashes.push(row.subarray(at, at + HASH_BYTES))
  if (below !== undefined) hashes.push(below)
  return hashes.length === 0 ? undefined : foldHashes(hashes)
}

function foldHashes(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes
  if (hashes.length === 1 && only !== undefined) return only
  let half = 1
  while (half * 2 < hashes.length) half *= 2
  return nodeHash(foldHashes(hashes.slice(0, half)), foldHashes(hashes.slice(half)))
}
