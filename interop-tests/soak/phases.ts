/** What a soak run does when. All in milliseconds. */
export interface Plan {
  /** When the node is restarted under load, since the start of the run; the last time begins the life that is measured. */
  readonly restartsAtMs: readonly number[]
  /** How long the node then lives until the last restart. */
  readonly lifeMs: number
  readonly phases: Phases
  /** Streams that were closed for cause, and dials that were given up, may take this long to let go of everything. */
  readonly settleMs: number
}

/** When the heap is read in one life of the node, and what is compared. */
export interface Phases {
  /** Until here caches fill and code is compiled; nothing is compared. */
  readonly warmUpMs: number
  readonly everyMs: number
  /** The early and the late window: so long after the warm-up, so long before the end. */
  readonly windowMs: number
}

/** Restarts are over after this share of the run: what leaks slowly shows in a long life. */
const RESTARTING = 1 / 5
const RESTARTS_LEAST = 2
const RESTARTS_MOST = 12
const SHORTEST_LIFE_MS = 6000
const SETTLE_MS = 12_000
/** A node that works is flat from about the sixth minute on. */
const LONGEST_WARM_UP_MS = 480_000
const LONGEST_WINDOW_MS = 300_000
const READINGS_IN_A_WINDOW = 10
const RAREST_MS = 30_000

/** Short lives first, then a long one. */
export function planOf(minutes: number): Plan {
  const totalMs = minutes * 60_000
  const restartingMs = totalMs * RESTARTING
  const count = Math.max(RESTARTS_LEAST, Math.min(RESTARTS_MOST, Math.floor(restartingMs / SHORTEST_LIFE_MS)))
  const restartsAtMs = Array.from({ length: count }, (_, i) => ((i + 1) * restartingMs) / count)
  const lifeMs = totalMs - restartingMs
  return { restartsAtMs, lifeMs, phases: phasesOf(lifeMs), settleMs: SETTLE_MS }
}

/** A third warms up, of the rest the first third is the early window and the last the late one; long lives need less. */
function phasesOf(lifeMs: number): Phases {
  const warmUpMs = Math.min(LONGEST_WARM_UP_MS, lifeMs / 3)
  const windowMs = Math.min(LONGEST_WINDOW_MS, (lifeMs - warmUpMs) / 3)
  return { warmUpMs, windowMs, everyMs: Math.min(RAREST_MS, windowMs / READINGS_IN_A_WINDOW) }
}
