import { ERRORS, OapError } from '../../../protocols/index.ts'
import { isDiskFull } from '../../stores/disk-full.ts'
import { ANONYMOUS } from '../access/caller.ts'
import type { Caller } from '../access/caller.ts'
import { roleRefusal } from '../access/identify.ts'
import type { Role } from '../access/roles.ts'
import { EnvelopeRefusal } from '../refusal.ts'

/** Every code of these routes, with the status of the answer. @see specs/ams.md, section 9 */
export const PROBLEMS = {
  bad_payload: 400,
  bad_query: 400,
  bad_cursor: 400,
  bad_request: 400,
  missing_member: 400,
  unknown_member: 400,
  bad_form: 400,
  too_long: 400,
  proof_incomplete: 400,
  bad_proof: 400,
  no_proof: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  bad_transition: 409,
  body_oversize: 413,
  unsupported_media_type: 415,
  saturated: 503,
  not_ready: 503,
  disk_full: 503,
  internal: 500
} as const
export type ProblemCode = keyof typeof PROBLEMS

/** An answer other than what was asked for. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode | (string & {}),
    message: string,
    {
      status = PROBLEMS[code as ProblemCode],
      headers = {}
    }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> | undefined } = {}
  ) {
    super(message)
    this.code = code
    this.status = status
    this.headers = headers
  }
}

const OF_FASTIFY: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem('body_oversize', 'the body is longer than this route takes'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new Problem('unsupported_media_type', 'the Content-Type is none'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('bad_request', 'the body is not as long as Content-Length says')
}

/** What the caller is told of an error; undefined for one that is none of its business. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof EnvelopeRefusal) return new Problem(error.code, error.message)
  if (isDiskFull(error)) return ofOap(new OapError('disk_full'))
  if (error instanceof OapError) return error.status === ERRORS.internal.status ? undefined : ofOap(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (Object.hasOwn(OF_FASTIFY, code)) return OF_FASTIFY[code]!()
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 0
  return status >= 400 && status < 500
    ? new Problem('bad_request', 'the request is malformed', { status })
    : undefined
}

function ofOap({ code, status, message, retryAfterMs }: OapError): Problem {
  const headers =
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
  return new Problem(code, message, { status, headers })
}

/** @throws Problem `unauthorized` for who has shown nothing, `forbidden` for who may do less */
export function demandRole(caller: Caller, needed: Role): void {
  const refusal = roleRefusal({ caller, isKnown: caller.name !== ANONYMOUS }, needed)
  if (refusal !== undefined) throw new Problem(refusal.code, refusal.message, refusal)
}
