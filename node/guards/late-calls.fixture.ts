import { LateCalls } from './late-calls.ts'

const TICK_MS = 25
const FRAME_MS = 0.03
const MOST_OPEN = 64

export interface Callers {
  /** Calls a second of each caller, at even intervals that begin at a place of their own. */
  readonly perSecond: readonly number[]
  readonly forMs: number
  readonly workMs: number
}

export interface Served {
  /** Successful calls of each caller, and how long each waited. */
  readonly good: readonly number[]
  readonly refused: readonly number[]
  readonly waitedMs: readonly number[]
  readonly late: LateCalls
}

/** Numbers that look drawn and are the same each time. */
export function drawn(seed = 1): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

/**
 * A node of one thread in a time of its own. As an event loop does, it handles in a turn what has come in on each
 * connection, always in the same order, and then takes what has come in meanwhile.
 */
export function serve(mostDelayMs: number, { perSecond, forMs, workMs }: Callers): Served {
  let now = 0
  let turnsEnd: (() => void) | undefined
  const late = new LateCalls({
    mostDelayMs,
    tickMs: TICK_MS,
    now: () => now,
    afterTurn: run => (turnsEnd = run),
    random: drawn()
  })
  const start = drawn(7)
  const next = perSecond.map(rate => (start() * 1000) / rate)
  const waiting: number[][] = perSecond.map(() => [])
  const [good, refused] = [perSecond.map(() => 0), perSecond.map(() => 0)]
  const waitedMs: number[] = []
  const arrive = (caller: number): void => {
    for (; next[caller]! <= now; next[caller]! += 1000 / perSecond[caller]!)
      if (waiting[caller]!.length < MOST_OPEN) waiting[caller]!.push(next[caller]!)
  }
  while (now < forMs) {
    late.tick(now)
    for (const caller of perSecond.keys()) {
      arrive(caller)
      for (const came of waiting[caller]!.splice(0)) {
        now += FRAME_MS
        if (late.refuses(`caller ${caller}`, false, now)) {
          refused[caller]!++
          continue
        }
        now += workMs
        good[caller]!++
        waitedMs.push(now - came)
      }
    }
    turnsEnd?.()
    turnsEnd = undefined
    now = Math.max(now, Math.min(...next))
  }
  return { good, refused, waitedMs, late }
}
