import { OapError } from '../../protocols/index.ts'
import { Problem, problemOf } from '../ams/routes/problem.ts'

/** What OAP says with 400 and HTTP has a status of its own for. */
const OF_CODE: Readonly<Record<string, number>> = { bad_range: 416 }

/** Statuses of OAP that mean the same over HTTP. */
const SHARED: ReadonlySet<number> = new Set([400, 401, 403, 404, 408, 409, 413, 429, 502, 503, 504])

/** The HTTP status of a refusal of a service; 500 for what is none of the caller's business. @see specs/http.md, section 6 */
export const httpStatus = ({ code, status }: Pick<OapError, 'code' | 'status'>): number =>
  OF_CODE[code] ?? (SHARED.has(status) ? status : 500)

const CUT_OFF =
  'the node ended the call before its answer: it may have been carried out; ask again where twice does no harm'
const CHALLENGE = 'Bearer realm="ams"'

/** What the caller is told of an error; undefined for one that is none of its business. */
export function callProblem(error: unknown): Problem | undefined {
  if (!(error instanceof OapError)) return problemOf(error)
  // The session was cut off under the call: the node drains, or failed. 503 would say that nothing was done.
  if (error.reason === 'session_lost') return later('upstream', CUT_OFF, 1000, 502)
  const status = httpStatus(error)
  if (status === 500) return undefined
  const { code, message, retryAfterMs, reason } = error
  if (status === 429 || status === 503) return later(code, message, retryAfterMs ?? 1000, status)
  return new Problem(code, message, { status, headers: challenge(status, code, reason) })
}

function challenge(status: number, code: string, reason: string | undefined): Record<string, string> {
  if (status === 401)
    return { 'www-authenticate': code === 'cap_missing' ? CHALLENGE : `${CHALLENGE}, error="invalid_token"` }
  const isTooLittle = status === 403 && code === 'cap_denied' && reason !== undefined
  return isTooLittle ? { 'www-authenticate': `${CHALLENGE}, error="insufficient_scope"` } : {}
}

const later = (code: string, message: string, ms: number, status = 503): Problem =>
  new Problem(code, message, {
    status,
    headers: { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) }
  })
