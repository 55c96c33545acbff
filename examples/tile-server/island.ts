import { png } from './png.ts'

const SIDE = 256
export const MOST_ZOOM = 6
const WORLD = SIDE * 2 ** MOST_ZOOM
/** Deep water to snow. */
const PALETTE = Buffer.from('1b3a5c28557d3f7ca36fb0c4e6dcae9cc26a6fa04d4c7a3d8c7b66f4f4f4', 'hex')
const COLOURS = PALETTE.length / 3
/** Up to how high hills are, in pixels of the deepest zoom. */
const HILLS = 6_000

/** One tile of a made-up island as PNG: the same each time, and the parts of all zooms fit together. */
export function islandTile(z: number, x: number, y: number): Uint8Array {
  const step = 2 ** (MOST_ZOOM - z)
  return png(SIDE, PALETTE, (px, py) => colour((x * SIDE + px) * step, (y * SIDE + py) * step))
}

/** Whole numbers alone, so that every machine draws the same. */
function colour(x: number, y: number): number {
  const inland = Math.min(x, y, WORLD - x, WORLD - y)
  const hills = fold(x * 3 + y, 4_231) + fold(x - y * 2 + 2 * WORLD, 3_319) + fold(y * 5 + x, 9_973)
  const height = inland + Math.floor((hills * HILLS) / (4_231 + 3_319 + 9_973)) - HILLS / 2
  return Math.max(0, Math.min(COLOURS - 1, Math.floor((height * COLOURS) / (WORLD / 2))))
}

/** Up to `period` and down again. */
const fold = (n: number, period: number): number => Math.abs((n % (2 * period)) - period)
