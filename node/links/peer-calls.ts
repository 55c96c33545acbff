import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { ConnectionCaller, OAP_PROTOCOL, OapError } from '../../protocols/index.ts'
import type { Transport } from '../../transport/index.ts'
import { nodePlatform } from '../platform.ts'

const MAX_STREAMS = 256

/** Calls to the peer of a connection, whichever side dialled it: each session is a stream that this side opens. */
export const callsTo = (connection: Connection): ConnectionCaller =>
  new ConnectionCaller({
    platform: nodePlatform,
    openStream: () =>
      connection.newStream(OAP_PROTOCOL, { maxOutboundStreams: MAX_STREAMS }).catch((cause: unknown) => {
        throw new OapError('upstream', 'no stream to the other hub could be opened', {
          reason: 'session_lost',
          cause
        })
      })
  })

/** A connection of its own, also where there is one with that peer already: each carries one handshake. */
export const dialOver =
  (transport: Transport) =>
  (addresses: readonly string[], signal: AbortSignal): Promise<Connection> =>
    transport.dial(addresses.map(multiaddr), { signal, force: true })

const CLOSE_MS = 1000

/** Ends a connection: what is queued leaves first, if the peer takes it in time. */
export function hangUp(connection: Connection, why: string): void {
  connection.close({ signal: AbortSignal.timeout(CLOSE_MS) }).catch(() => connection.abort(new Error(why)))
}

const LINGER_MS = 250

/** The same a moment later: an answer that was given just now leaves before. */
export const closeSoon = (connection: Connection, why: string): void =>
  void setTimeout(() => hangUp(connection, why), LINGER_MS).unref()
