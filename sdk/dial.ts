import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ConnectionCaller, OAP_PROTOCOL, OapError } from '../protocols/index.ts'
import type { ConnectionCallerOptions } from '../protocols/index.ts'
import { dialFailure } from './dial-failure.ts'
import { unlessAborted } from './unless-aborted.ts'

export const DIAL_TIMEOUT_MS = 10_000
const MAX_STREAMS = 512

/** A connection over which a first OAP stream was opened. */
export interface Dialled {
  readonly connection: Connection
  readonly caller: ConnectionCaller
}

export interface DialOptions extends Omit<ConnectionCallerOptions, 'openStream'> {
  readonly dialTimeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Connects to the node at an address; leaves no connection where that fails. @throws ConnectError as `connect` does; the reason of an aborted `signal` */
export async function dial(
  dialer: Libp2p,
  address: string,
  target: Multiaddr,
  { signal, dialTimeoutMs = DIAL_TIMEOUT_MS, ...calling }: DialOptions
): Promise<Dialled> {
  const deadline = AbortSignal.timeout(dialTimeoutMs)
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
  let connection: Connection | undefined
  try {
    connection = await dialer.dial(target, { signal: stop })
    const opened = connection
    const caller = new ConnectionCaller({ ...calling, openStream: () => openStream(opened) })
    await unlessAborted(Promise.resolve(caller.shared()), stop)
    return { connection, caller }
  } catch (error) {
    connection?.abort(new Error('not used'))
    signal?.throwIfAborted()
    // A stream that cannot be opened is an OapError, with what libp2p says of it as its cause.
    throw dialFailure(address, error instanceof OapError ? (error.cause ?? error) : error)
  }
}

const openStream = (connection: Connection) =>
  connection.newStream(OAP_PROTOCOL, { maxOutboundStreams: MAX_STREAMS }).catch((cause: unknown) => {
    const message = `no stream could be opened: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new OapError('upstream', message, { reason: 'session_lost', cause })
  })
