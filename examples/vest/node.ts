import { once } from 'node:events'
import { createNode, loadConfig } from 'omnigate'
import { folderTiles } from '../tile-server/folder-tiles.ts'
import { vestHandlers } from '../tile-server/handlers.ts'
import { Served } from '../tile-server/served.ts'
import { vestService } from '../tile-server/service.ts'

/** What a client of the demonstration may do, by the verbs of its capability. */
export interface Asked {
  readonly peer: string
  readonly verb: string
}

/** What the node prints when it serves, as one line of JSON. */
export interface Ready {
  readonly address: string
  readonly http: string
  /** A capability for each that was asked for, by its name. */
  readonly tokens: Readonly<Record<string, string>>
}

/** Of each app. A storm goes far beyond them, what comes before it does not. */
const [CALLS_PER_SECOND, BURST] = [100, 600]
const [data, folder, asked] = process.argv.slice(2)

if (data === undefined || folder === undefined || asked === undefined) {
  console.error('usage: npx node node.ts DATA TILES CLIENTS; demo.ts calls it')
  process.exit(64)
}

const { config } = loadConfig({
  flags: {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    // All that a node can log, so that all of it is searched.
    'log.level': 'trace',
    'quotas.tenantCallsPerSecond': CALLS_PER_SECOND,
    'quotas.tenantBurst': BURST
  }
})
const handlers = vestHandlers(await folderTiles(folder), new Served(performance.now()))
await using node = createNode(config, { data, init: true, services: [{ table: vestService, handlers }] })
await node.start()
const tokens: Record<string, string> = {}
for (const [name, { peer, verb }] of Object.entries(JSON.parse(asked) as Record<string, Asked>)) {
  const { token } = await node
    .capabilities()
    .mint({ verb, tenant: 'default', peer, subject: name, ttl_s: 3600 }, { actor: 'local' })
  tokens[name] = Buffer.from(token).toString('base64url')
}
const { addresses, http } = node.status()
console.log(JSON.stringify({ address: addresses[0]!, http: http!, tokens } satisfies Ready))
process.stdin.resume()
await Promise.race([once(process.stdin, 'end'), once(process, 'SIGTERM')])
process.stdin.destroy()
