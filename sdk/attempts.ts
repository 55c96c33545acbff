import { typedError } from './errors.ts'
import { inTime, joined } from './in-time.ts'
import { retryWait } from './retry.ts'
import type { RetryPolicy } from './retry.ts'
import type { Time } from './time.ts'

/** One time that a call is made. */
export interface Attempt {
  /** What is left of the deadline. */
  readonly deadlineMs: number | undefined
  /** To be told when START is on its way. */
  readonly onOpen: (corrId: bigint) => void
}

export interface AttemptsOptions {
  readonly time: Time
  readonly policy: RetryPolicy
  readonly signal: AbortSignal | undefined
  /** Of the client: ends what waits. */
  readonly closing: AbortSignal
  /** Over all attempts. */
  readonly deadlineMs: number | undefined
  readonly isRepeatable: boolean
  /** True when what the call sends cannot be sent again: it is not made again then, whatever it failed with. */
  readonly isSpent?: (() => boolean) | undefined
  /**
   * Asked after a failure: resolves with true when what failed is mended, and another attempt may follow at once. It is
   * not waited for beyond the deadline.
   */
  readonly mend: (error: unknown) => Promise<boolean>
}

/**
 * Makes a call until it succeeds or `retryWait` gives up. Throws the last failure in its class, and LinkError
 * `closed` where the client is closed meanwhile; an abort passes untouched.
 */
export async function attempts<T>(
  options: AttemptsOptions,
  make: (attempt: Attempt) => Promise<T>
): Promise<T> {
  const { time, policy, signal, closing, deadlineMs, isRepeatable, isSpent, mend } = options
  const since = deadlineMs === undefined ? 0 : time.now()
  const leftMs = (): number | undefined =>
    deadlineMs === undefined ? undefined : Math.round(deadlineMs - (time.now() - since))
  const leftNow = (made: number): number | undefined =>
    made === 1 || deadlineMs === undefined ? deadlineMs : Math.max(1, leftMs()!)
  let mended = false
  for (let made = 1; ; made++) {
    let corrId: bigint | undefined
    const onOpen = (id: bigint): void => void (corrId = id)
    try {
      return await make({ deadlineMs: leftNow(made), onOpen })
    } catch (error) {
      const throwIfOver = (): void => {
        signal?.throwIfAborted()
        if (closing.aborted) throw typedError(closing.reason, corrId)
      }
      throwIfOver()
      if (isSpent?.() === true) throw typedError(error, corrId)
      const patience = { time, ms: leftMs(), signals: [signal, closing] }
      if (!mended && (await inTime(mend(error), patience).catch(() => false))) {
        mended = true
        continue
      }
      throwIfOver()
      const wasOpened = corrId !== undefined
      const failure = { error, made, wasOpened, isRepeatable, leftMs: leftMs(), random: time.random() }
      const wait = retryWait(failure, policy)
      if (wait === undefined) throw typedError(error, corrId)
      await pause(time, wait, signal, closing)
      throwIfOver()
    }
  }
}

/** Resolves after `ms`, at once when a signal aborts. */
export async function pause(
  time: Time,
  ms: number,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<void> {
  const { signal, release } = joined(...signals)
  await time.pause(ms, signal).finally(release)
}
