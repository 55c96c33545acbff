import { sha256 } from '@noble/hashes/sha2.js'
import { plainPlatform } from '../protocols/index.ts'
import { connectBy } from './connect.ts'
import type { ConnectOptions, NodeConnection } from './connect.ts'
import { createClientBy } from './create-client.ts'
import type { ClientOptions, Runtime } from './create-client.ts'
import type { Hub } from './hub.ts'
import { realTime } from './time.ts'
import { createWebDialer } from './web-dialer.ts'

export * from './exports.ts'

const runtime: Runtime = {
  createDialer: createWebDialer,
  platform: plainPlatform,
  time: realTime,
  http: { fetch: (url, init) => fetch(url, init), streamsUp: false },
  sha256: () => sha256.create(),
  environment: async () => ({})
}

/** As in Node, over HTTP or WebSockets: a multiaddr ends with /ws, /wss or /tls/ws before the peer id. Nothing comes from an environment. */
export const createClient = (options: ClientOptions = {}): Promise<Hub> => createClientBy(runtime, options)

/** As in Node, over WebSockets and noise. */
export const connect = (address: string, options?: ConnectOptions): Promise<NodeConnection> =>
  connectBy(createWebDialer, address, options)
