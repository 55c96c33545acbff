const HOUR = 3_600_000

export interface ProvideNumbers {
  /** Between two announcements of a root. */
  readonly intervalMs: number
  /** The time between two announcements is never longer, so that a new root of a small node is found soon. */
  readonly gapMs: number
  /** Nor shorter: beyond 3.4 million roots the interval grows instead. */
  readonly leastGapMs: number
  /** Announcements under way at the same time. */
  readonly atOnce: number
  readonly deadlineMs: number
  /** After a failure; twice as long after each further one, up to `retryMostMs`. */
  readonly retryMs: number
  readonly retryMostMs: number
}

export const PROVIDE: ProvideNumbers = {
  intervalMs: 12 * HOUR,
  gapMs: 1000,
  leastGapMs: 10,
  atOnce: 4,
  deadlineMs: 60_000,
  retryMs: 60_000,
  retryMostMs: 2 * HOUR
}

/** A round of all roots takes less than its interval, so that what was late is caught up with. */
const HEADROOM = 1.25

/**
 * Milliseconds between the beginnings of two announcements: so many roots are spread over the interval, however many of
 * them are due at once.
 */
export function gapMs(roots: number, { intervalMs, gapMs, leastGapMs }: ProvideNumbers = PROVIDE): number {
  return Math.max(leastGapMs, Math.min(gapMs, intervalMs / (HEADROOM * Math.max(1, roots))))
}

/** When a root is due again after it failed so many times in a row, 1 or more. */
export function retryAfterMs(failures: number, { retryMs, retryMostMs }: ProvideNumbers = PROVIDE): number {
  return Math.min(retryMostMs, retryMs * 2 ** Math.min(20, failures - 1))
}
