import type { Connection, Libp2p } from '@libp2p/interface'
import { ConnectionCaller, OAP_PROTOCOL, OapError, plainPlatform, tokenBytes } from '../protocols/index.ts'
import type { Client, Hello, HelloRequest, Operations, Platform, ServiceTable } from '../protocols/index.ts'
import { createDialer } from '../transport/index.ts'
import type { DialerOptions, Encryption } from '../transport/index.ts'
import { parseAddress } from './address.ts'
import { dialFailure } from './dial-failure.ts'

const DIAL_TIMEOUT_MS = 10_000
const MAX_STREAMS = 512
/** How long a connection may take to end in peace, before it is cut. */
const CLOSE_TIMEOUT_MS = 1000

export interface ConnectOptions extends Omit<DialerOptions, 'start'> {
  readonly signal?: AbortSignal
  /** What our HELLO says; sent only when `hello()` is called. */
  readonly hello?: HelloRequest
  /** The capability that calls carry: its bytes, or its text. Calls may bring another of their own. */
  readonly cap?: Uint8Array | string | undefined
  /** Where zstd comes from; without it COMP is not spoken. */
  readonly platform?: Platform
}

/** One connection to a node. Ends with `close()`, or with `await using`. */
export interface NodeConnection extends AsyncDisposable {
  /** The peer id that the node proved. */
  readonly peer: string
  /** The peer id of this end, for capabilities that are bound to it: of `privateKey`, else of this connection alone. */
  readonly self: string
  /** What encrypts the connection. */
  readonly encryption: Encryption
  /** The node's HELLO, asked once and kept. */
  hello(): Promise<Hello>
  /** A service's operations as functions; they share this connection. */
  client<O extends Operations>(table: ServiceTable<O>): Client<O>
  /** Ends the connection; one that does not end in peace within a second is cut. */
  close(): Promise<void>
}

/**
 * Connects to the node at a multiaddr; resolves when it speaks OAP/1.
 * @throws OapError `cap_foreign` for a capability whose text is none, before anything is dialled;
 * ConnectError `bad_address`, `unreachable`, `wrong_peer` or `not_oap`, in at most 10 seconds unless
 * `dialTimeoutMs` says else.
 */
export async function connect(address: string, options: ConnectOptions = {}): Promise<NodeConnection> {
  const target = parseAddress(address)
  const { signal, hello, cap, platform = plainPlatform, ...dialerOptions } = options
  const capability = typeof cap === 'string' ? tokenBytes(cap) : cap
  const dialer = await createDialer(dialerOptions)
  try {
    const deadline = AbortSignal.timeout(options.dialTimeoutMs ?? DIAL_TIMEOUT_MS)
    const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
    const connection = await dialer.dial(target, { signal: stop })
    const caller = new ConnectionCaller({
      platform,
      openStream: () => openStream(connection),
      cap: () => capability,
      ...(hello === undefined ? {} : { hello })
    })
    await unlessAborted(caller.shared(), stop)
    return nodeConnection(connection, caller, dialer)
  } catch (error) {
    await dialer.stop()
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

async function unlessAborted(ending: unknown, signal: AbortSignal): Promise<void> {
  const gone = Promise.withResolvers<never>()
  const onAbort = (): void => gone.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    await Promise.race([ending, gone.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function nodeConnection(connection: Connection, caller: ConnectionCaller, dialer: Libp2p): NodeConnection {
  const close = async (): Promise<void> => {
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS)
    await unlessAborted(caller.end(), signal).catch(() => undefined)
    // A connection that the other side is closing too rejects; it is gone either way.
    await connection.close({ signal }).catch(() => connection.abort(new Error('closed')))
    await dialer.stop()
  }
  return {
    peer: connection.remotePeer.toString(),
    self: dialer.peerId.toString(),
    encryption: connection.encryption?.startsWith('/tls') === true ? 'tls' : 'noise',
    hello: () => caller.hello(),
    client: table => caller.client(table),
    close,
    [Symbol.asyncDispose]: close
  }
}
