import { OapError } from './errors.ts'
import { plainPlatform } from './platform.ts'

/** What ends a call before its answer. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  readonly deadlineMs?: number | undefined
}

/**
 * Waits for what a call needs before it can be opened, no longer than its deadline and its caller allow. Yields it with
 * the patience that is left. `get` is told when nobody waits any more; what it yields after that goes to `unwanted`.
 */
export async function patiently<T, P extends Patience>(
  patience: P,
  get: (signal: AbortSignal | undefined) => Promise<T>,
  unwanted: (late: T) => void
): Promise<readonly [got: T, left: P]> {
  const { signal, deadlineMs } = patience
  signal?.throwIfAborted()
  if (signal === undefined && deadlineMs === undefined) return [await get(undefined), patience]
  const since = plainPlatform.now()
  const over = new AbortController()
  const onAbort = (): void => over.abort(signal?.reason)
  const onLate = (): void => over.abort(new OapError('deadline', 'not opened before the deadline'))
  const timer = deadlineMs === undefined ? undefined : plainPlatform.setTimer(onLate, deadlineMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  const getting = get(over.signal)
  try {
    const got = await Promise.race([getting, rejection(over.signal)])
    return [got, deadlineMs === undefined ? patience : { ...patience, deadlineMs: left(deadlineMs, since) }]
  } catch (error) {
    getting.then(unwanted, () => {})
    throw error
  } finally {
    plainPlatform.clearTimer(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

const left = (deadlineMs: number, since: number): number =>
  Math.max(1, Math.round(deadlineMs - (plainPlatform.now() - since)))

const rejection = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
