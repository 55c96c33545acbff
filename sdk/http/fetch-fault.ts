import { OapError } from '../../protocols/index.ts'
import { ConnectError } from '../connect-error.ts'
import { problemOfSystem } from '../dial-failure.ts'

/** What a fetch failed of. Browsers keep the cause to themselves: then nobody knows whether the request was carried out. */
export function fetchFault(address: string, error: unknown): ConnectError | OapError {
  const { cause } = (error ?? {}) as {
    readonly cause?: { readonly code?: unknown; readonly message?: unknown }
  }
  const code = String(cause?.code)
  if (code !== 'ECONNRESET' && code !== 'EPIPE') {
    const problem = problemOfSystem(code)
    if (problem !== undefined) return new ConnectError('unreachable', address, problem, { cause: error })
  }
  if (/CERT|SIGNATURE|SSL|TLS/.test(code))
    return new ConnectError(
      'unreachable',
      address,
      `its certificate is not taken: ${String(cause?.message)}`,
      {
        cause: error
      }
    )
  return sessionLost('the connection failed', error)
}

/** Nobody knows whether the call was carried out. */
export const sessionLost = (why: string, cause?: unknown): OapError =>
  new OapError('upstream', `no answer came: ${why}`, { reason: 'session_lost', cause })
