import { OapError } from 'omnigate/protocols'
import type { TilePath } from './tile-path.ts'

/** Where tiles come from. */
export interface TileSource {
  /** Throws `not_found`; `tile_oversize` for more than MOST_TILE_BYTES. */
  read(path: TilePath): Promise<Uint8Array>
}

export const notFound = (): OapError => new OapError('not_found', 'there is no such tile')

export const oversize = (): OapError =>
  new OapError('body_oversize', 'the file is too long for a tile', { code: 'tile_oversize' })
