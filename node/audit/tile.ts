import { HASH_BYTES } from '../../federation/index.ts'

/** Hashes of a full tile. */
export const TILE_WIDTH = 256
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES
/** Tree levels that one tile spans. */
const TILE_HEIGHT = 8
const MAX_TILE_LEVEL = 63
const GROUP = 1000

/** A row of up to 256 hashes; each at level `level` is the root of 256^`level` leaves. */
export interface Tile {
  readonly level: number
  readonly index: number
  readonly width: number
}

/** The C2SP path of a tile below the log's prefix: `tile/0/x001/234.p/17`. */
export function tilePath(tile: Tile): string {
  return `tile/${tile.level}/${numberPath(tile.index)}${partSuffix(tile.width)}`
}

/** The C2SP path of a bundle of entries, whose bytes an `entryBundle` gives. */
export function bundlePath({ index, width }: Pick<Tile, 'index' | 'width'>): string {
  return `tile/entries/${numberPath(index)}${partSuffix(width)}`
}

/** The tile of a path, or for `tile/entries/` one of level -1; undefined for what is not written in its one form. */
export function parseTilePath(path: string): Tile | undefined {
  const [, where, number, width] =
    /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path) ?? []
  if (where === undefined || number === undefined) return undefined
  const tile = {
    level: where === 'entries' ? -1 : Number(where),
    index: Number(number.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width)
  }
  const isBounded = tile.level <= MAX_TILE_LEVEL && Number.isSafeInteger(tile.index) && tile.width > 0
  const isPart = width === undefined || tile.width < TILE_WIDTH
  const again = tile.level < 0 ? bundlePath(tile) : tilePath(tile)
  return isBounded && isPart && again === path ? tile : undefined
}

/** How many hashes the tile has in a tree of `size` leaves; 0 for none. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH
  return Math.max(0, Math.min(TILE_WIDTH, hashes))
}

/** The tiles at the right edge of a tree of `size` leaves that are not full, lowest level first. */
export function partialTiles(size: number): Tile[] {
  const tiles: Tile[] = []
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const width = hashes % TILE_WIDTH
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / TILE_WIDTH), width })
  }
  return tiles
}

/** Where the hash of a complete subtree comes from: `count` hashes of a tile from `first` on. */
export function tileOfNode(
  level: number,
  index: number
): { readonly level: number; readonly index: number; readonly first: number; readonly count: number } {
  const count = 2 ** (level % TILE_HEIGHT)
  const start = index * count
  return {
    level: Math.floor(level / TILE_HEIGHT),
    index: Math.floor(start / TILE_WIDTH),
    first: start % TILE_WIDTH,
    count
  }
}

function numberPath(index: number): string {
  let path = String(index % GROUP).padStart(3, '0')
  for (let rest = Math.floor(index / GROUP); rest > 0; rest = Math.floor(rest / GROUP))
    path = `x${String(rest % GROUP).padStart(3, '0')}/${path}`
  return path
}

const partSuffix = (width: number): string => (width === TILE_WIDTH ? '' : `.p/${width}`)
