import { OapError, TokenBucket } from '../../protocols/index.ts'
import type { Call, Handlers, Operations } from '../../protocols/index.ts'

/** Refused requests of the operator that get an entry of their own: a loop of them writes some 100 kB an hour. */
const RECORDED = { burst: 10, perSecond: 0.1 }

/** A refused request, to be recorded; resolves once it would survive a power cut. */
export type RecordRefusal = (
  refused: { readonly operation: string; readonly reason: string },
  call: Call
) => Promise<unknown>

export interface RefusedRequestsOptions {
  readonly record: RecordRefusal
  /** A refusal that could not be recorded; the operator is answered all the same, since nothing was done. */
  readonly missed: (error: unknown) => void
  /** Milliseconds that never go back. */
  readonly now: () => number
}

/**
 * The operator's rows that change something, each with its refusals recorded before they are answered: 10 at once and 6
 * a minute, all rows together. Others are in the summaries alone. What crashes is no refusal.
 */
export function recordingRefusals<O extends Operations>(
  operations: O,
  handlers: Handlers<O>,
  { record, missed, now }: RefusedRequestsOptions
): Handlers<O> {
  const bucket = new TokenBucket(RECORDED.burst, RECORDED.perSecond, now())
  const told = async (operation: string, error: OapError, call: Call): Promise<void> => {
    if (bucket.take(1, now()) !== 0) return
    await record({ operation, reason: error.counted }, call).catch(missed)
  }
  const rows = Object.entries(handlers).map(([operation, handler]) => {
    if (operations[operation]?.writes !== true) return [operation, handler]
    const answer = handler as (request: unknown, call: Call) => unknown
    return [
      operation,
      async (request: unknown, call: Call): Promise<unknown> => {
        try {
          return await answer(request, call)
        } catch (error) {
          if (error instanceof OapError) await told(operation, error, call)
          throw error
        }
      }
    ]
  })
  return Object.fromEntries(rows) as Handlers<O>
}
