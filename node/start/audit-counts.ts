import type { ErrorCode, ServedOperation, ServerCall, SessionObserver } from '../../protocols/index.ts'
import type { Outcome } from '../audit/index.ts'

const UNKNOWN = 'unknown'
type Ending = ErrorCode | 'ok'

/** Counts how calls end, by operation and reason, so that no call waits for its record. */
export class AuditCounts {
  readonly #byOperation = new Map<ServedOperation | undefined, Map<Ending, number>>()
  readonly #refused = new Map<ErrorCode, number>()
  readonly #recorded = new WeakSet<ServerCall>()

  /** The end of this call is in the log, or in its counts, by itself. */
  recorded(call: ServerCall): void {
    this.#recorded.add(call)
  }

  /** A call is over; without a reason for a good end, and for one that its caller left. */
  ended(call: ServerCall, reason: ErrorCode | undefined): void {
    const { served } = call
    if (this.#recorded.has(call)) {
      if (reason !== undefined) this.#refused.set(reason, (this.#refused.get(reason) ?? 0) - 1)
      return
    }
    let endings = this.#byOperation.get(served)
    if (endings === undefined) this.#byOperation.set(served, (endings = new Map()))
    const ending = reason ?? 'ok'
    endings.set(ending, (endings.get(ending) ?? 0) + 1)
  }

  /** Something was refused, be it a call that is told of by `ended` too. */
  refused(reason: ErrorCode): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
  }

  /** Gives out what was counted since the last time. */
  drain(count: (outcome: Outcome, times: number) => void): void {
    for (const [served, endings] of this.#byOperation) {
      for (const [reason, times] of endings) {
        count({ service: served?.service ?? UNKNOWN, operation: served?.name ?? UNKNOWN, reason }, times)
        if (reason !== 'ok') this.#refused.set(reason, (this.#refused.get(reason) ?? 0) - times)
      }
    }
    // What is left had no call: frames, streams and connections.
    for (const [reason, times] of this.#refused)
      if (times > 0) count({ service: UNKNOWN, operation: UNKNOWN, reason }, times)
    this.#byOperation.clear()
    this.#refused.clear()
  }
}

/** `observer`, with every ending and refusal counted too. */
export const countingObserver = (observer: SessionObserver, counts: AuditCounts): SessionObserver => ({
  ...observer,
  answered(call, status, ms, reason) {
    counts.ended(call, reason)
    observer.answered(call, status, ms, reason)
  },
  rejected(reason) {
    counts.refused(reason)
    observer.rejected(reason)
  }
})
