export type Blame = 'caller' | 'peer' | 'node' | 'operator'

export interface ErrorRow {
  readonly status: number
  readonly retryable: boolean
  readonly blame: Blame
  readonly message: string
}

const row = (status: number, retryable: boolean, blame: Blame, message: string): ErrorRow => ({
  status,
  retryable,
  blame,
  message
})

/** Every reason a node refuses something: the label set of `rejected_total`, in the order of specs/oap-1.md. */
export const ERRORS = {
  bad_frame: row(400, false, 'peer', 'the frame is not well formed'),
  bad_version: row(400, false, 'peer', 'the frame has a version other than 1'),
  bad_sequence: row(400, false, 'peer', 'the frame does not fit the state of its call'),
  bad_payload: row(400, false, 'caller', 'the payload is neither a valid record nor one valid JSON object'),
  frame_oversize: row(413, false, 'peer', 'the frame is longer than max_frame'),
  body_oversize: row(413, false, 'caller', 'the header or body is longer than this operation takes'),
  ratio_cap: row(413, false, 'caller', 'the body inflates beyond the permitted ratio'),
  decompress_cap: row(413, false, 'caller', 'the body inflates beyond the permitted size'),
  credit_violation: row(400, false, 'peer', 'the credit went backwards or beyond what was sent'),
  unknown_app: row(404, false, 'caller', 'this node serves no such app_proto_id'),
  unknown_operation: row(404, false, 'caller', 'this service has no such operation'),
  bad_request: row(400, false, 'caller', 'a member of the request is missing or out of range'),
  not_found: row(404, false, 'caller', 'there is no such thing here, or it is not yours to see'),
  conflict: row(409, false, 'caller', 'the request contradicts what is stored'),
  cap_missing: row(401, false, 'caller', 'this operation needs a capability'),
  cap_foreign: row(401, false, 'caller', 'the capability was minted by another hub'),
  cap_expired: row(401, false, 'caller', 'the capability has expired'),
  cap_revoked: row(401, false, 'caller', 'the capability was revoked'),
  cap_denied: row(403, false, 'caller', 'the capability does not allow this call'),
  quota_peer: row(429, true, 'caller', 'this connection has spent its budget'),
  quota_tenant: row(429, true, 'caller', 'the tenant has spent its quota'),
  quota_capability: row(429, true, 'caller', 'the capability has spent its quota'),
  saturated: row(503, true, 'node', 'too many calls are in flight'),
  not_ready: row(503, true, 'node', 'the node is not ready'),
  draining: row(503, true, 'node', 'the node is shutting down'),
  mailbox_full: row(429, true, 'caller', 'the mailbox topic or the tenant is full'),
  quarantine_full: row(429, true, 'caller', 'the quarantine of this origin is full'),
  disk_full: row(503, true, 'operator', 'the node has no disk space left'),
  deadline: row(504, true, 'caller', 'the deadline passed before the answer was ready'),
  slow_peer: row(408, true, 'peer', 'bytes did not arrive, or were not taken, in time'),
  not_allowlisted: row(403, false, 'peer', 'this hub has not been allowed to federate'),
  not_shared: row(403, false, 'caller', 'no treaty shares this with the other hub'),
  read_only: row(403, false, 'caller', 'this node is a mirror and takes no writes'),
  policy: row(403, false, 'caller', 'the acceptance policy refused it'),
  upstream: row(502, true, 'node', 'a node behind this one failed'),
  internal: row(500, false, 'node', 'the node failed; its operator finds the cause by corr_id'),
  crash_exception: row(500, false, 'node', 'a part of the node threw'),
  crash_store: row(500, false, 'node', 'a store of the node failed'),
  crash_listener: row(500, false, 'node', 'a listener of the node failed'),
  crash_start: row(500, false, 'node', 'a part of the node did not start')
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

export const REASONS = Object.keys(ERRORS) as readonly ErrorCode[]

export interface OapErrorOptions {
  /** A service's own finer code. */
  readonly code?: string | undefined
  readonly status?: number
  readonly retryable?: boolean | undefined
  readonly reason?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly corrId?: bigint
  readonly cause?: unknown
}

/**
 * A refusal with a stable `code`; match that, never the message.
 *
 * `status` is the number on the wire, `retryAfterMs` lies between 1000 and 5000 on 429 and 503.
 * `counted` is the reason under which metrics count it: `code` itself, unless a service has a finer code.
 * @see specs/oap-1.md, section 9
 */
export class OapError extends Error {
  override readonly name: string = 'OapError'
  readonly code: string
  readonly counted: ErrorCode
  readonly status: number
  readonly retryable: boolean
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined
  readonly corrId: bigint | undefined

  constructor(counted: ErrorCode, message?: string, options: OapErrorOptions = {}) {
    super(
      message ?? ERRORS[counted].message,
      options.cause === undefined ? undefined : { cause: options.cause }
    )
    this.counted = counted
    this.code = options.code ?? counted
    this.status = options.status ?? ERRORS[counted].status
    this.retryable = options.retryable ?? ERRORS[counted].retryable
    this.reason = options.reason
    this.retryAfterMs = options.retryAfterMs ?? defaultRetryAfter(this.status)
    this.corrId = options.corrId
  }
}

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERRORS, code)

const MIN_RETRY_MS = 1000
const MAX_RETRY_MS = 5000

/** Milliseconds a 429 asks to wait: what its bucket needs, clamped to 1000..5000. */
export const clampRetryAfter = (ms: number): number =>
  Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, Math.ceil(ms)))

/** A 503 draws its wait at random, so that refused callers do not come back together. */
const defaultRetryAfter = (status: number): number | undefined => {
  if (status === 503) return MIN_RETRY_MS + Math.floor(Math.random() * (MAX_RETRY_MS - MIN_RETRY_MS + 1))
  return status === 429 ? MIN_RETRY_MS : undefined
}
