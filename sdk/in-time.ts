import { DeadlineError } from './errors.ts'
import type { Time } from './time.ts'
import { unlessAborted } from './unless-aborted.ts'

/** One signal for several. */
export interface Joined {
  /** Aborts with the first of them, for its reason. */
  readonly signal: AbortSignal
  /** Forgets them: a signal that lives long keeps nothing of it, as it would of AbortSignal.any. */
  readonly release: () => void
}

export function joined(...signals: readonly (AbortSignal | undefined)[]): Joined {
  const over = new AbortController()
  const forgets: (() => void)[] = []
  for (const signal of signals) {
    if (signal === undefined) continue
    const onAbort = (): void => over.abort(signal.reason)
    signal.addEventListener('abort', onAbort)
    forgets.push(() => signal.removeEventListener('abort', onAbort))
    if (signal.aborted) onAbort()
  }
  return { signal: over.signal, release: () => forgets.forEach(forget => forget()) }
}

/** How long something is waited for. */
export interface Patience {
  readonly time: Time
  /** Without it as long as it takes. */
  readonly ms: number | undefined
  readonly signals: readonly (AbortSignal | undefined)[]
}

/**
 * What `ending` yields. Throws DeadlineError after `ms`, and the reason of a signal that aborts; `ending` goes on by
 * itself then.
 */
export async function inTime<T>(ending: Promise<T>, { time, ms, signals }: Patience): Promise<T> {
  const late = new AbortController()
  const over = joined(...signals, late.signal)
  const forget =
    ms === undefined
      ? undefined
      : time.later(() => late.abort(new DeadlineError('deadline', 'not done in time')), Math.max(0, ms))
  try {
    return await unlessAborted(ending, over.signal)
  } finally {
    forget?.()
    over.release()
  }
}
