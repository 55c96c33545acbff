import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const TICK_MS = 1

export interface Pace {
  readonly perSecond: number
  readonly forMs: number
}

/** Calls that were due `elapsedMs` after the first, which is due at once. */
export const dueBy = (elapsedMs: number, { perSecond, forMs }: Pace): number =>
  elapsedMs < 0 ? 0 : Math.ceil((Math.min(elapsedMs, forMs) * perSecond) / 1000)

/**
 * Makes calls at a pace whatever becomes of them, and resolves when the last one was made. `call` is told when its call
 * was due, in milliseconds of `performance.now()`: those that a late timer makes together were not due together.
 */
export async function openLoop(pace: Pace, call: (dueMs: number) => void): Promise<void> {
  const started = performance.now()
  let made = 0
  for (;;) {
    const elapsed = performance.now() - started
    for (const due = dueBy(elapsed, pace); made < due; made++) call(started + (made * 1000) / pace.perSecond)
    if (elapsed >= pace.forMs) return
    await sleep(TICK_MS)
  }
}
