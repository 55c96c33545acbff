import { ERRORS, OapError, isErrorCode } from './errors.ts'
import type { ErrorCode } from './errors.ts'
import { corrHex } from './frame.ts'
import type { CorrId } from './frame.ts'
import { encodeJson, parseJson } from './json.ts'
import type { Json, JsonObject } from './json.ts'

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'cap_missing',
  403: 'cap_denied',
  404: 'not_found',
  408: 'slow_peer',
  409: 'conflict',
  413: 'body_oversize',
  429: 'quota_peer',
  502: 'upstream',
  503: 'saturated',
  504: 'deadline'
}

const MAX_MESSAGE_LENGTH = 256

/** The payload of an error answer. A 5xx tells the table's message and nothing more. */
export function errorPayload(error: OapError, corr: CorrId): Uint8Array {
  const detail =
    error.message.length > MAX_MESSAGE_LENGTH
      ? `${error.message.slice(0, MAX_MESSAGE_LENGTH)}...`
      : error.message
  return encodeJson({
    code: error.code,
    message: error.status >= 500 ? ERRORS[error.counted].message : detail,
    retryable: error.retryable,
    corr_id: corrHex(corr),
    ...(error.retryAfterMs === undefined ? {} : { retry_after_ms: error.retryAfterMs }),
    ...(error.reason === undefined ? {} : { reason: error.reason })
  })
}

export const isSuccess = (code: number): boolean => code === 0 || (code >= 200 && code < 300)

/** The error that an answer carries. A body that is no error object is judged by its status alone. */
export function remoteError(status: number, payload: Uint8Array, corr: CorrId): OapError {
  const members = tryParse(payload)
  const code = textOf(members['code']) ?? textOf(members['error'])
  const counted = isErrorCode(code) ? code : (BY_STATUS[status] ?? 'internal')
  return new OapError(counted, textOf(members['message']), {
    status,
    code,
    corrId: BigInt(corr),
    reason: textOf(members['reason']),
    retryable: typeof members['retryable'] === 'boolean' ? members['retryable'] : undefined,
    retryAfterMs: typeof members['retry_after_ms'] === 'number' ? members['retry_after_ms'] : undefined
  })
}

/** What a call fails with when its session ends before the answer: nobody knows whether it was carried out. */
export const sessionLost = (why: string): OapError =>
  new OapError('upstream', `the session ended before the answer: ${why}`, { reason: 'session_lost' })

function tryParse(payload: Uint8Array): JsonObject {
  try {
    return parseJson(payload)
  } catch {
    return {}
  }
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined
