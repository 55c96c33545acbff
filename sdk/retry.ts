import { OapError, clampRetryAfter } from '../protocols/index.ts'
import { ConnectError } from './connect-error.ts'

/** How often a call is made, and how long to wait in between. */
export interface RetryPolicy {
  /** Times that a call is made, the first included. Default 3. */
  readonly attempts?: number
  /** The longest wait after the first failure; doubles with each. Default 50. */
  readonly baseMs?: number
  /** The longest wait of all. Default 5000. */
  readonly capMs?: number
}

const ATTEMPTS = 3
const BASE_MS = 50
const CAP_MS = 5000
const MINUTE_MS = 60_000

/** One attempt that failed. */
export interface Failure {
  readonly error: unknown
  /** Attempts so far, this one included. */
  readonly made: number
  /** True once START was on its way: the call may have been carried out. */
  readonly wasOpened: boolean
  /** True for a call that may be carried out twice: one that changes nothing, or with an idempotency key. */
  readonly isRepeatable: boolean
  /** Of the call's deadline; undefined when it has none. */
  readonly leftMs: number | undefined
  /** From 0 to 1. */
  readonly random: number
}

/**
 * Milliseconds until the call is made again; undefined when it is not. Full jitter below a bound that doubles, and never
 * sooner than the node asked for.
 * @see specs/oap-1.md, section 9.2
 */
export function retryWait(failure: Failure, policy: RetryPolicy = {}): number | undefined {
  const { error, made, leftMs, random } = failure
  const { attempts = ATTEMPTS } = policy
  if (made >= attempts || !mayRepeat(failure)) return undefined
  const wait = Math.max(backoff(made, random, policy), askedWait(error))
  return leftMs !== undefined && wait >= leftMs ? undefined : wait
}

/** A random time below the bound that belongs to the `failures`-th failure in a row. */
export function backoff(failures: number, random: number, policy: RetryPolicy = {}): number {
  const { baseMs = BASE_MS, capMs = CAP_MS } = policy
  return Math.floor(random * Math.min(capMs, baseMs * 2 ** (failures - 1)))
}

/** True for what passes by itself: an overloaded, stopping or unreachable node, a link that broke. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectError) return error.code === 'unreachable'
  return error instanceof OapError && error.retryable
}

/** Milliseconds that the node asked for; over HTTP rates are counted by the minute. */
export function askedWait(error: unknown): number {
  if (!(error instanceof OapError) || error.retryAfterMs === undefined) return 0
  const { code, retryAfterMs } = error
  return code === 'rate_limited' ? Math.min(MINUTE_MS, retryAfterMs) : clampRetryAfter(retryAfterMs)
}

function mayRepeat({ error, wasOpened, isRepeatable }: Failure): boolean {
  if (!isPassing(error)) return false
  // Of a request over HTTP is said that it is on its way before there is a connection.
  return isRepeatable || !wasOpened || wasRefused(error) || error instanceof ConnectError
}

/** A node that answers 429 or 503 has done nothing, unless its disk got full: that may have been while it wrote. */
const wasRefused = (error: unknown): boolean =>
  error instanceof OapError && (error.status === 429 || error.status === 503) && error.code !== 'disk_full'
