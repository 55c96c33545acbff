import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createTransport } from '../../transport/index.ts'
import { shell } from './shell.ts'
import type { Place } from './shell.ts'

/** Variables that a page's commands get, and how to end what gives them. */
export interface Surrounding {
  readonly env: Readonly<Record<string, string>>
  readonly close: () => Promise<void>
}

const FREE_PORTS = {
  OMNIGATE_HTTP__LISTEN: '127.0.0.1:0',
  OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0'
}

/** What a page may ask for by name. */
export const SURROUNDINGS: Readonly<Record<string, (place: Place) => Promise<Surrounding>>> = {
  // Nodes that the page starts take any free port.
  'free ports': () => Promise.resolve({ env: FREE_PORTS, close: () => Promise.resolve() }),
  node: place => runningNode(place, {}),
  // Beside `node`, for hubs that federate.
  'other hub': otherHub,
  // As the conformance runner wants it: without tokens, and no bounds for strangers.
  'open node': place =>
    runningNode(place, {
      OMNIGATE_STRANGERS__LOOPBACK_IS_KNOWN: 'true',
      OMNIGATE_CAPABILITIES__OPEN_VERBS: 'echo:call'
    }),
  'peer without OAP': peerWithoutOap,
  'web server': webServer,
  'mute listener': muteListener,
  'nobody there': nobodyThere
}

/**
 * A node on the folder `hub`; its address is $NODE, over HTTP $HTTP, its hub $HUB_ID, and commands call it with the key and
 * the token of its first client.
 */
async function runningNode(place: Place, settings: Readonly<Record<string, string>>): Promise<Surrounding> {
  const { address, http, hubId, close } = await startedNode(place, 'hub', settings)
  return { env: { NODE: address, HTTP: http, HUB_ID: hubId, ...(await firstClient(place)) }, close }
}

/** A node of another hub on the folder `other`; its address is $OTHER, its hub $OTHER_ID. */
async function otherHub(place: Place): Promise<Surrounding> {
  const { address, hubId, close } = await startedNode(place, 'other', {})
  return { env: { OTHER: address, OTHER_ID: hubId }, close }
}

interface Started {
  readonly address: string
  readonly http: string
  readonly hubId: string
  readonly close: () => Promise<void>
}

async function startedNode(
  place: Place,
  data: string,
  settings: Readonly<Record<string, string>>
): Promise<Started> {
  const env = { ...place.env, ...FREE_PORTS, ...settings }
  const child = shell({ ...place, env }, `exec omnigate start --data ${data} --init --json`)
  const exited = once(child, 'exit')
  const errors: string[] = []
  child.stderr?.on('data', (text: Buffer) => errors.push(text.toString()))
  const ended = exited.then(() => Promise.reject(new Error(`the node ended: ${errors.join('')}`)))
  const [line] = (await Promise.race([once(createInterface(child.stdout!), 'line'), ended])) as [string]
  ended.catch(() => undefined)
  const {
    addresses,
    http,
    hub_id: hubId
  } = JSON.parse(line) as {
    readonly addresses: readonly string[]
    readonly http: string | null
    readonly hub_id: string
  }
  return {
    address: addresses[0] ?? '',
    http: http ?? '',
    hubId,
    async close() {
      child.kill('SIGTERM')
      await exited
    }
  }
}

async function firstClient({ folder }: Place): Promise<Readonly<Record<string, string>>> {
  const client = join(folder, 'hub', 'client')
  const token = await readFile(join(client, 'token'), 'utf8')
  return { OMNIGATE_CLIENT_KEY: join(client, 'key'), RON_CAP: token.trim() }
}

/** A libp2p peer that serves no OAP, at $STRANGER. */
async function peerWithoutOap(): Promise<Surrounding> {
  const peer = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0']
  })
  return { env: { STRANGER: String(peer.getMultiaddrs()[0]) }, close: async () => peer.stop() }
}

/** Something that is no peer at all, at $WEB; its port is taken. */
async function webServer(): Promise<Surrounding> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.resume()
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { env: { WEB: `/ip4/127.0.0.1/tcp/${port}` }, close: () => closed(server) }
}

/** Something that takes connections and says nothing, at $MUTE. */
async function muteListener(): Promise<Surrounding> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined).resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    return closed(server)
  }
  return { env: { MUTE: `/ip4/127.0.0.1/tcp/${port}` }, close }
}

/** An address where nobody listens, $NOBODY: that of a listener which is closed again. */
async function nobodyThere(): Promise<Surrounding> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await closed(server)
  return { env: { NOBODY: `/ip4/127.0.0.1/tcp/${port}` }, close: () => Promise.resolve() }
}

const closed = (server: ReturnType<typeof createServer>): Promise<void> =>
  new Promise(resolve => server.close(() => resolve()))
