import { ERRORS, OapError, isErrorCode, parseJson } from '../../protocols/index.ts'
import type { ErrorCode, Json, JsonObject } from '../../protocols/index.ts'

const CODE = /^[a-z0-9_]{1,64}$/
const MAX_MESSAGE_CHARS = 1024
const MOST_WAIT_S = 60

/** What the codes that only HTTP has are counted as. */
const OF_HTTP: Readonly<Record<string, ErrorCode>> = {
  unauthorized: 'cap_missing',
  forbidden: 'cap_denied',
  origin_denied: 'policy',
  rate_limited: 'quota_peer',
  method_not_allowed: 'unknown_operation'
}

/** Of a node that cut the call off, or a proxy that lost it: nobody knows whether it was carried out. */
const UNANSWERED = 502

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
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

/**
 * The error that an answer carries. A body that is no problem, as of a proxy on the way, is judged by its status alone. The
 * node may ask for up to a minute of patience.
 */
export function problemError(
  status: number,
  body: Uint8Array,
  { corrId, retryAfter }: { readonly corrId: bigint; readonly retryAfter: string | null }
): OapError {
  const { error, message, retry_after_sec: wait } = membersOf(body)
  const code = typeof error === 'string' && CODE.test(error) ? error : undefined
  const counted = countedAs(code, status)
  const seconds = typeof wait === 'number' ? wait : secondsOf(retryAfter)
  return new OapError(counted, textOf(message) ?? `${ERRORS[counted].message} (HTTP ${status})`, {
    status,
    corrId,
    ...(code !== undefined && { code }),
    ...(status === UNANSWERED && { reason: 'session_lost' }),
    ...(seconds !== undefined && { retryAfterMs: Math.min(MOST_WAIT_S, Math.max(1, seconds)) * 1000 })
  })
}

function countedAs(code: string | undefined, status: number): ErrorCode {
  if (isErrorCode(code)) return code
  const known = code === undefined ? undefined : OF_HTTP[code]
  return (
    known ?? BY_STATUS[status] ?? (status >= 500 ? 'internal' : status >= 400 ? 'bad_request' : 'upstream')
  )
}

function secondsOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function membersOf(body: Uint8Array): JsonObject {
  try {
    return parseJson(body)
  } catch {
    return {}
  }
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, MAX_MESSAGE_CHARS) : undefined
