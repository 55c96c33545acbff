import type { Handlers } from 'omnigate/protocols'
import type { Served } from './served.ts'
import type { vestService } from './service.ts'
import { tilePath } from './tile-path.ts'
import type { TileSource } from './tile-source.ts'

/** Answers the table out of `tiles`, and tells `served` of each. */
export const vestHandlers = (
  tiles: TileSource,
  served: Served
): Handlers<(typeof vestService)['operations']> => ({
  async get({ path }) {
    const begun = performance.now()
    try {
      const { contentType, bytes } = await tile(tiles, path)
      served.tile(bytes.length, performance.now() - begun)
      return { content_type: contentType, body: bytes }
    } catch (error) {
      served.refused()
      throw error
    }
  }
})

/** What a path names, whichever way it came in. */
export async function tile(tiles: TileSource, path: string) {
  const at = tilePath(path)
  return { contentType: at.contentType, bytes: await tiles.read(at) }
}
