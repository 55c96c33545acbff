export type ConnectErrorCode = 'bad_address' | 'unreachable' | 'not_oap'

const WAY_OUT: Readonly<Record<ConnectErrorCode, string>> = {
  bad_address: 'not a multiaddr; one looks like /ip4/127.0.0.1/tcp/4801/p2p/PEER_ID',
  unreachable: 'no node answers there; check that it runs, and the address and peer id',
  not_oap: 'the peer does not speak OAP/1 (/oap/1.0.0)'
}

/** Why no connection came about. `code` is stable; the message names the address and what to check. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError'
  readonly code: ConnectErrorCode
  readonly address: string

  constructor(code: ConnectErrorCode, address: string, cause: unknown) {
    super(`${address}: ${WAY_OUT[code]}`, { cause })
    this.code = code
    this.address = address
  }
}
