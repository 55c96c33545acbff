import { createHash } from 'node:crypto'
import { plainPlatform } from '../protocols/index.ts'
import { createDialer, zstd } from '../transport/index.ts'
import { connectBy } from './connect.ts'
import type { ConnectOptions, NodeConnection } from './connect.ts'
import { createClientBy } from './create-client.ts'
import type { ClientOptions, Runtime } from './create-client.ts'
import { environmentOf } from './environment.ts'
import type { Hub } from './hub.ts'
import { realTime } from './time.ts'

export * from './exports.ts'

const runtime: Runtime = {
  createDialer,
  platform: { ...plainPlatform, ...zstd },
  time: realTime,
  http: { fetch: (url, init) => fetch(url, init), streamsUp: true },
  sha256: () => createHash('sha256'),
  environment: () => environmentOf(process.env)
}

/**
 * Connects to a hub and gives its client, which dials again when the connection is gone. End it with `close()` or
 * `await using`.
 * @throws ConnectError as `connect`; TypeError for options of the wrong form; OapError `cap_foreign` for a capability that
 * is none; what `refresh` throws
 */
export const createClient = (options: ClientOptions = {}): Promise<Hub> => createClientBy(runtime, options)

/**
 * Connects to the node at a multiaddr; resolves when it speaks OAP/1. One connection, gone when it is gone.
 * @throws OapError `cap_foreign` for a capability whose text is none, before anything is dialled;
 * ConnectError `bad_address`, `unreachable`, `wrong_peer` or `not_oap`, in at most 10 seconds unless
 * `dialTimeoutMs` says else.
 */
export const connect = (address: string, options?: ConnectOptions): Promise<NodeConnection> =>
  connectBy(createDialer, address, options)
