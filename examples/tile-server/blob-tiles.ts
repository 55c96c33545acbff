import { NotFoundError } from 'omnigate/sdk'
import type { Hub } from 'omnigate/sdk'
import { MOST_TILE_BYTES } from './service.ts'
import { notFound, oversize } from './tile-source.ts'
import type { TileSource } from './tile-source.ts'

/** Of the list of all tiles. */
const MOST_LIST_BYTES = 64 * 1_048_576

/** Content ids of tiles by path, as `publish.ts` stores them. */
export type TileList = ReadonlyMap<string, string>

/** The list as the blob that it is stored in. */
export const listBytes = (list: TileList): Uint8Array =>
  Buffer.from(JSON.stringify({ tiles: Object.fromEntries(list) }))

/** Throws RangeError for a blob that is no list. */
export function parseList(bytes: Uint8Array): TileList {
  const { tiles } = (jsonOf(bytes) ?? {}) as { tiles?: unknown }
  const rows = Object.entries(typeof tiles === 'object' ? (tiles ?? {}) : {})
  if (rows.length === 0 || !rows.every(([, cid]) => typeof cid === 'string'))
    throw new RangeError('the blob is no list of tiles; give the content id that publish.ts printed')
  return new Map(rows as [string, string][])
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/**
 * Tiles that are blobs of a hub, found by a list that is one, too. The SDK proves each by its content id, so that nobody
 * between the publisher and this program can change one.
 */
export async function blobTiles(hub: Hub, list: string): Promise<TileSource> {
  const tiles = parseList(await (await hub.storage.get(list)).bytes({ maxBytes: MOST_LIST_BYTES }))
  return {
    async read({ names }) {
      const cid = tiles.get(`/${names.join('/')}`)
      if (cid === undefined) throw notFound()
      const tile = await hub.storage.get(cid).catch(absent)
      if (tile.totalLength > MOST_TILE_BYTES) throw oversize()
      return tile.bytes()
    }
  }
}

const absent = (error: unknown): never => {
  throw error instanceof NotFoundError ? notFound() : error
}
