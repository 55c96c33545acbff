/** When a soak run reads the heap, and what it compares. All in milliseconds since its start. */
export interface Phases {
  /** Until here caches fill and code is compiled; nothing is compared. */
  readonly warmUpMs: number
  readonly everyMs: number
  /** The early and the late window: so long after the warm-up, so long before the end. */
  readonly windowMs: number
}

/** A node that works is flat from about the sixth minute on. */
const LONGEST_WARM_UP_MS = 480_000
const LONGEST_WINDOW_MS = 300_000
const READINGS_IN_A_WINDOW = 10
const RAREST_MS = 30_000

/** A third warms up, of the rest the first third is the early window and the last the late one; long runs need less. */
export function phasesOf(minutes: number): Phases {
  const totalMs = minutes * 60_000
  const warmUpMs = Math.min(LONGEST_WARM_UP_MS, totalMs / 3)
  const windowMs = Math.min(LONGEST_WINDOW_MS, (totalMs - warmUpMs) / 3)
  return { warmUpMs, windowMs, everyMs: Math.min(RAREST_MS, windowMs / READINGS_IN_A_WINDOW) }
}
