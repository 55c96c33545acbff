import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, OapError } from '../../protocols/index.ts'
import { REQUEST_ID_HEADER } from '../ams/access/request-id.ts'
import { SECURITY_HEADERS } from '../ams/access/security-headers.ts'
import { errorCode } from '../setup-error.ts'
import { isDiskFull } from '../stores/disk-full.ts'

/** Codes of problems, with the status of the answer where nothing else is said. @see specs/ams.md, section 9 */
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
  origin_denied: 403,
  read_only: 403,
  sender_blocked: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  bad_transition: 409,
  body_oversize: 413,
  unsupported_media_type: 415,
  misdirected: 421,
  quota_peer: 429,
  quota_tenant: 429,
  quota_capability: 429,
  rate_limited: 429,
  storage_full: 429,
  header_oversize: 431,
  saturated: 503,
  not_ready: 503,
  draining: 503,
  disk_full: 503,
  internal: 500
} as const
export type ProblemCode = keyof typeof PROBLEMS

type Headers = Readonly<Record<string, string>>

export interface ProblemOptions {
  readonly status?: number | undefined
  readonly headers?: Headers | undefined
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, string | number>> | undefined
}

/** An answer other than what was asked for. It tells the caller what to do, and nothing of the node. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: string
  readonly status: number
  readonly headers: Headers
  readonly members: NonNullable<ProblemOptions['members']>

  constructor(
    code: ProblemCode | (string & {}),
    message: string,
    { status = PROBLEMS[code as ProblemCode], headers = {}, members = {} }: ProblemOptions = {}
  ) {
    super(message)
    this.code = code
    this.status = status
    this.headers = headers
    this.members = members
  }
}

/** Stands for every error that is none of the caller's business. */
export const INTERNAL = new Problem('internal', 'the node failed; its operator finds the cause by request_id')

const OF_FASTIFY: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem('body_oversize', 'the body is longer than this route takes'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new Problem('unsupported_media_type', 'the Content-Type is none'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('bad_request', 'the body is not as long as Content-Length says')
}

/** What the caller is told of an error; undefined for one that is none of its business. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (isDiskFull(error)) return ofOap(new OapError('disk_full'))
  if (error instanceof OapError) return error.status === ERRORS.internal.status ? undefined : ofOap(error)
  const code = String(errorCode(error))
  // What fails because a store is closed is told by its supervisor, and works again when that has opened it.
  if (code.startsWith('LEVEL_')) return ofOap(new OapError('not_ready', 'the store is not open; ask again'))
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

/** The body of every problem. */
export const problemBody = (
  { code, message, members }: Pick<Problem, 'code' | 'message' | 'members'>,
  requestId: string
): object => ({ ok: false, error: code, message, request_id: requestId, ...members })

/** Longer bodies that nobody waits for are not worth the connection. */
const MOST_FORGOTTEN_BYTES = 65_536
/** Requests whose bodies have a deadline, answered or not. */
export const watchedBodies = new WeakSet<IncomingMessage>()

/**
 * Answers with a problem. A short body that still comes, and has a deadline, is read and forgotten, so that its caller gets
 * the answer and need not connect again; with any other the connection ends with the answer.
 */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Pick<Problem, 'code' | 'message' | 'status' | 'headers' | 'members'>
): FastifyReply {
  const { status, headers } = problem
  const id = String(request.id)
  return reply
    .code(status)
    .headers({
      ...SECURITY_HEADERS,
      [REQUEST_ID_HEADER]: id,
      ...(isUnread(request) && !isForgotten(request) && { connection: 'close' }),
      ...headers
    })
    .send(problemBody(problem, id))
}

const isForgotten = ({ raw, headers }: FastifyRequest): boolean =>
  watchedBodies.has(raw) &&
  headers['transfer-encoding'] === undefined &&
  Number(headers['content-length']) <= MOST_FORGOTTEN_BYTES

/** Whether bytes of a body may still come, for which nobody waits. */
export const isUnread = ({ raw, headers }: FastifyRequest): boolean =>
  !raw.complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0)
