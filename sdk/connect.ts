import { plainPlatform, tokenBytes } from '../protocols/index.ts'
import type { Client, Hello, HelloRequest, Operations, Platform, ServiceTable } from '../protocols/index.ts'
import type { DialerOptions, Encryption } from '../transport/index.ts'
import { parseAddress } from './address.ts'
import { dial } from './dial.ts'
import type { CreateDialer } from './dialer.ts'
import { hangUp } from './hang-up.ts'

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

/** Gives a connection to the node at an address, with a dialer of its own. */
export async function connectBy(
  createDialer: CreateDialer,
  address: string,
  options: ConnectOptions = {}
): Promise<NodeConnection> {
  const target = parseAddress(address)
  const { signal, hello, cap, platform = plainPlatform, ...dialerOptions } = options
  const capability = typeof cap === 'string' ? tokenBytes(cap) : cap
  const dialer = await createDialer(dialerOptions)
  const { dialTimeoutMs } = options
  const calling = { platform, cap: () => capability, signal, dialTimeoutMs, ...(hello && { hello }) }
  const dialled = await dial(dialer, address, target, calling).catch(async (error: unknown) => {
    await dialer.stop()
    throw error
  })
  const { connection, caller } = dialled
  const close = async (): Promise<void> => {
    await hangUp(dialled)
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
