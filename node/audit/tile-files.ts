import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HASH_BYTES } from '../../federation/index.ts'
import { TILE_WIDTH, type Tile, partialTiles, tilePath, tileWidth } from './tile.ts'
import type { FullTile } from './tree-edge.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const MOST_UNWRITTEN = 1024

/**
 * The tiles of a log as files, as a mirror serves them. None is synced until `sync`, since they follow from the
 * entries. Partial ones stay until the full one was synced.
 */
export class TileFiles {
  readonly #folder: string
  readonly #made = new Set<string>()
  readonly #unwritten = new Map<string, FullTile>()
  #writing: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Keeps a full tile for the next `settle`; so that appending does not wait for files that follow from the entries. */
  put(tile: FullTile): void {
    this.#unwritten.set(tilePath(tile), tile)
  }

  /** False while more tiles wait than should: let them be written. */
  get hasRoom(): boolean {
    return this.#unwritten.size < MOST_UNWRITTEN
  }

  /** Resolves once every full tile so far is in its file. @throws what writing one failed with; the rest stays kept. */
  settle(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#writeAll())
    return this.#writing
  }

  /** Writes the partial tiles of a tree of `size` leaves. */
  async putEdge(size: number, row: (level: number) => Uint8Array): Promise<void> {
    for (const tile of partialTiles(size))
      await this.#file(tile, row(tile.level).slice(0, tile.width * HASH_BYTES))
  }

  /** The hashes of a tile: from its file, or from the front of the full one. Undefined when there is neither. */
  async read(tile: Tile): Promise<Uint8Array | undefined> {
    const wanted = tile.width * HASH_BYTES
    const unwritten = this.#unwritten.get(tilePath({ ...tile, width: TILE_WIDTH }))
    if (unwritten !== undefined) return unwritten.bytes.subarray(0, wanted)
    for (const width of new Set([tile.width, TILE_WIDTH])) {
      const bytes = await readFile(this.#path({ ...tile, width })).catch(() => undefined)
      if (bytes?.length === width * HASH_BYTES) return bytes.subarray(0, wanted)
    }
    return undefined
  }

  /** Writes a tile unless its file holds the same already. */
  async restore(tile: FullTile): Promise<void> {
    const bytes = await readFile(this.#path(tile)).catch(() => undefined)
    if (bytes === undefined || Buffer.compare(bytes, tile.bytes) !== 0) await this.#file(tile, tile.bytes)
  }

  /**
   * Makes the tiles over the leaves `from` to `to` survive a power cut, the partial ones at `to` included, and removes
   * partial ones that full ones have replaced.
   */
  async sync(from: number, to: number): Promise<void> {
    await this.settle()
    const folders = new Set<string>()
    for (const tile of [...fullTiles(from, to), ...partialTiles(to)]) {
      const path = this.#path(tile)
      await syncPath(path)
      for (let folder = dirname(path); folder !== dirname(this.#folder); folder = dirname(folder))
        folders.add(folder)
      if (tile.width === TILE_WIDTH) await rm(`${path}.p`, { recursive: true, force: true })
    }
    for (const folder of folders) await syncPath(folder)
  }

  async #writeAll(): Promise<void> {
    for (const [path, tile] of this.#unwritten) {
      await this.#file(tile, tile.bytes)
      this.#unwritten.delete(path)
    }
  }

  async #file(tile: Tile, bytes: Uint8Array): Promise<void> {
    const path = this.#path(tile)
    const folder = dirname(path)
    if (!this.#made.has(folder)) {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
      this.#made.add(folder)
    }
    await writeFile(path, bytes, { mode: FILE_MODE })
  }

  #path(tile: Tile): string {
    return join(this.#folder, tilePath(tile))
  }
}

/** The full tiles that the leaves `from` to `to` touched. */
export function fullTiles(from: number, to: number): Tile[] {
  const tiles: Tile[] = []
  for (let level = 0; TILE_WIDTH ** (level + 1) <= to; level++) {
    const span = TILE_WIDTH ** (level + 1)
    for (let index = Math.floor(from / span); tileWidth(level, index, to) === TILE_WIDTH; index++)
      tiles.push({ level, index, width: TILE_WIDTH })
  }
  return tiles
}

async function syncPath(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}
