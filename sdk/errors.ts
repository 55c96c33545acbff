import { OapError } from '../protocols/index.ts'
import type { ErrorCode } from '../protocols/index.ts'

/** The request is wrong and stays so: mend the program. */
export class RequestError extends OapError {
  override readonly name: string = 'RequestError'
}
/** The thing is not there, or not yours to see. */
export class NotFoundError extends OapError {
  override readonly name: string = 'NotFoundError'
}
/** The request contradicts what is stored: an idempotency key with another body, a lease that has passed. */
export class ConflictError extends OapError {
  override readonly name: string = 'ConflictError'
}
/** The capability is missing, over, revoked, or does not allow the call: get another. */
export class CapabilityError extends OapError {
  override readonly name: string = 'CapabilityError'
}
/** The node's rules refuse it whoever asks. */
export class PolicyError extends OapError {
  override readonly name: string = 'PolicyError'
}
/** Too much at once: nothing was done, and `retryAfterMs` says when to come again. */
export class BusyError extends OapError {
  override readonly name: string = 'BusyError'
}
/** Nobody knows whether it was done: the time was over first. */
export class DeadlineError extends OapError {
  override readonly name: string = 'DeadlineError'
}
/** Nobody knows whether it was done: the way to the answer broke. */
export class LinkError extends OapError {
  override readonly name: string = 'LinkError'
}
/** The node failed; its operator finds why by `corrId`. */
export class NodeError extends OapError {
  override readonly name: string = 'NodeError'
}

type ErrorClass = new (...args: ConstructorParameters<typeof OapError>) => OapError

/** The class of each code; a service's finer code has the class of what it is counted as. */
export const ERROR_CLASSES = {
  bad_frame: RequestError,
  bad_version: RequestError,
  bad_sequence: RequestError,
  bad_payload: RequestError,
  frame_oversize: RequestError,
  body_oversize: RequestError,
  ratio_cap: RequestError,
  decompress_cap: RequestError,
  credit_violation: RequestError,
  unknown_app: RequestError,
  unknown_operation: RequestError,
  bad_request: RequestError,
  not_found: NotFoundError,
  conflict: ConflictError,
  cap_missing: CapabilityError,
  cap_foreign: CapabilityError,
  cap_expired: CapabilityError,
  cap_revoked: CapabilityError,
  cap_denied: CapabilityError,
  quota_peer: BusyError,
  quota_tenant: BusyError,
  quota_capability: BusyError,
  saturated: BusyError,
  not_ready: BusyError,
  draining: BusyError,
  mailbox_full: BusyError,
  quarantine_full: BusyError,
  disk_full: BusyError,
  deadline: DeadlineError,
  slow_peer: DeadlineError,
  not_allowlisted: PolicyError,
  not_shared: PolicyError,
  read_only: PolicyError,
  policy: PolicyError,
  upstream: LinkError,
  internal: NodeError,
  crash_exception: NodeError,
  crash_store: NodeError,
  crash_listener: NodeError,
  crash_start: NodeError
} as const satisfies Record<ErrorCode, ErrorClass>

/** The error in its class, with the call that it ended; what is no OapError, or has both, passes untouched. */
export function typedError(error: unknown, corrId: bigint | undefined): unknown {
  if (!(error instanceof OapError)) return error
  const isTyped = error instanceof ERROR_CLASSES[error.counted]
  if (isTyped && (error.corrId !== undefined || corrId === undefined)) return error
  const { counted, message, code, status, retryable, reason, retryAfterMs } = error
  const call = error.corrId ?? corrId
  return new ERROR_CLASSES[counted](counted, message, {
    code,
    status,
    retryable,
    reason,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(call !== undefined && { corrId: call }),
    cause: error.cause
  })
}
