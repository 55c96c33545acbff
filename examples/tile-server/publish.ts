import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { OapError, createClient, newTraceparent } from 'omnigate/sdk'
import type { Hub } from 'omnigate/sdk'
import { listBytes } from './blob-tiles.ts'
import { namesOf } from './names.ts'
import { tilePath } from './tile-path.ts'

/** So many tiles are on their way at once. */
const AT_ONCE = 8
const MOST_TILES = 100_000

const [folder] = process.argv.slice(2)

if (folder === undefined) {
  console.error('usage: npx node publish.ts FOLDER; RON_NODE_URL says which node')
  process.exit(64)
}

// All that one run stores is one trace.
const traceparent = newTraceparent()

try {
  await using hub = await createClient({ traceparent: () => traceparent })
  const paths = await tilesBelow(folder)
  const list = await published(hub, folder, paths)
  let corrId: bigint | undefined
  const { cid } = await hub.storage.put(listBytes(list), {
    class: 'public',
    contentType: 'application/json',
    onOpen: id => void (corrId = id)
  })
  console.log(`${list.size} tiles, list ${namesOf(corrId, traceparent)}`)
  console.log(cid)
} catch (error) {
  console.error(
    error instanceof OapError
      ? `${error.code}: ${error.message} ${namesOf(error.corrId, traceparent)}`
      : error instanceof Error
        ? error.message
        : error
  )
  process.exitCode = 1
}

/** Paths of all tiles below a folder, in order; what no tile may be called is passed over. */
async function tilesBelow(top: string): Promise<string[]> {
  const entries = await readdir(top, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(top, '/').length))
    .map(name => `/${name}`)
    .filter(isTile)
    .toSorted()
  if (paths.length === 0) throw new RangeError(`${top}: there are no tiles`)
  if (paths.length > MOST_TILES) throw new RangeError(`${top}: more than ${MOST_TILES} tiles`)
  return paths
}

/** Each tile as a blob that everybody may read: its content id by its path. */
async function published(hub: Hub, top: string, paths: readonly string[]): Promise<Map<string, string>> {
  const cids = new Map<string, string>()
  const next = paths.values()
  const carry = async (): Promise<void> => {
    for (const path of next) {
      const bytes = await readFile(join(top, path))
      const { contentType } = tilePath(path)
      cids.set(path, (await hub.storage.put(bytes, { class: 'public', contentType })).cid)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, carry))
  return new Map(paths.map(path => [path, cids.get(path)!]))
}

function isTile(path: string): boolean {
  try {
    tilePath(path)
    return true
  } catch {
    return false
  }
}
