export type ConnectErrorCode = 'bad_address' | 'unreachable' | 'wrong_peer' | 'not_oap'

/** Why no connection came about. `code` is stable; the message is one line with the address and what to check. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError'
  readonly code: ConnectErrorCode
  readonly address: string

  constructor(code: ConnectErrorCode, address: string, problem: string, options?: ErrorOptions) {
    super(`${address === '' ? '(empty)' : address}: ${problem}`, options)
    this.code = code
    this.address = address
  }
}
