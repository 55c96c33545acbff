import { ERRORS, OapError } from 'omnigate/protocols'
import { ConnectError } from 'omnigate/sdk'

/**
 * What a call is given, as the SDK gives it by default: an answer later than that is none. A machine that does other
 * things too may take its time.
 */
export const DEADLINE_MS = 30_000

const BUSY: ReadonlySet<number> = new Set([
  ERRORS.quota_peer.status,
  ERRORS.saturated.status,
  ERRORS.deadline.status,
  ERRORS.slow_peer.status
])

/** Whether a call may fail so: in a restart with any documented error, else for want of time or room, which is counted. */
export function explained(error: unknown, metRestart: boolean): boolean {
  if (error instanceof ConnectError) return metRestart
  return error instanceof OapError && (metRestart || BUSY.has(error.status))
}
