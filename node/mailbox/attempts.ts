/** What follows when an attempt did not end well. */
export type AfterFailure =
  | { readonly is: 'expire' }
  | { readonly is: 'bury' }
  | { readonly is: 'postpone'; readonly untilMs: number }
  | { readonly is: 'return' }

export interface FailedAttempt {
  readonly attempt: number
  readonly mostAttempts: number
  /** Unix ms. */
  readonly now: number
  readonly expiresAtMs: number
  /** Undefined for a lease that passed: its message is ready at once. */
  readonly delayMs: number | undefined
}

const FIRST_MS = 200
const MOST_MS = 60_000

/** A time drawn evenly from 0 to min(60 s, 200 ms x 2^attempt). `random` yields 0 to below 1. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.floor(random() * Math.min(MOST_MS, FIRST_MS * 2 ** attempt))
}

/** @see specs/mailbox.md, section 4.4 */
export function afterFailure({
  attempt,
  mostAttempts,
  now,
  expiresAtMs,
  delayMs = 0
}: FailedAttempt): AfterFailure {
  if (now >= expiresAtMs) return { is: 'expire' }
  if (attempt >= mostAttempts) return { is: 'bury' }
  return delayMs > 0 ? { is: 'postpone', untilMs: now + delayMs } : { is: 'return' }
}
