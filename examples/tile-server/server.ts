import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { SetupError, createNode, loadConfig } from 'omnigate'
import { ConnectError, OapError, createClient } from 'omnigate/sdk'
import { blobTiles } from './blob-tiles.ts'
import { folderTiles } from './folder-tiles.ts'
import { vestHandlers } from './handlers.ts'
import { httpEdge } from './http-edge.ts'
import { Served } from './served.ts'
import { vestService } from './service.ts'
import type { TileSource } from './tile-source.ts'

const REPORT_MS = 10_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    listen: { type: 'string', default: '/ip4/127.0.0.1/tcp/0' },
    http: { type: 'string', default: '127.0.0.1:0' }
  }
})
const [from] = positionals

if (from === undefined) {
  console.error('usage: npx node server.ts FOLDER|CID [--listen MULTIADDR] [--http HOST:PORT]')
  process.exit(64)
}

try {
  await using stack = new AsyncDisposableStack()
  const tiles = await tilesFrom(from, stack)
  const served = new Served(performance.now())
  const { config } = loadConfig({
    flags: {
      'node.listen': [values.listen],
      'http.enabled': false,
      'log.level': 'silent',
      // Whoever reaches this node may have tiles. Without this line a caller needs a capability for vest:get.
      'capabilities.openVerbs': ['vest:get']
    }
  })
  const handlers = vestHandlers(tiles, served)
  const node = stack.use(createNode(config, { services: [{ table: vestService, handlers }] }))
  await node.start()
  const { url } = stack.use(await httpEdge(tiles, served, values.http))
  console.log(`serving at ${node.status().addresses[0]}`)
  console.log(`and at     ${url}`)
  let told = 0
  const report = (): void => {
    if (served.tiles > told) console.log(served.text(performance.now()))
    told = served.tiles
  }
  const timer = setInterval(report, REPORT_MS)
  stack.defer(() => clearInterval(timer))
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  report()
} catch (error) {
  console.error(explained(error))
  process.exitCode = error instanceof SetupError ? error.exitCode : 1
}

/** The tiles of a folder; a content id is a list of blobs at the hub that RON_NODE_URL names. */
async function tilesFrom(source: string, stack: AsyncDisposableStack): Promise<TileSource> {
  if (!/^baf[a-z2-7]{56}$/.test(source)) return folderTiles(source)
  return blobTiles(stack.use(await createClient()), source)
}

function explained(error: unknown): string {
  if (error instanceof ConnectError || error instanceof SetupError) return error.message
  if (error instanceof OapError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
