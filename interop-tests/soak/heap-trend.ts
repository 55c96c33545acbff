/** Heap readings of one process, garbage collected, in the order of their times. */
export interface HeapReading {
  readonly atMs: number
  readonly heapBytes: number
}

export interface HeapTrend {
  /** The medians of the first and of the last window. */
  readonly earlyBytes: number
  readonly lateBytes: number
  /** 0.01 is one percent. */
  readonly growth: number
}

/** Fewer readings in a window say nothing. */
const READINGS_IN_WINDOW = 3
/** What a run needs for two windows that are apart. */
export const READINGS_LEAST = 2 * READINGS_IN_WINDOW

/**
 * How the heap grew between the first `windowMs` of the readings and the last; a window is longer where a slow machine has
 * read less than three times in it. Medians, since any one reading meets connections that are open by chance.
 * @throws when there are too few readings for two windows.
 */
export function heapTrend(readings: readonly HeapReading[], windowMs: number): HeapTrend {
  if (readings.length < READINGS_LEAST) throw new Error(`${readings.length} heap readings are too few`)
  const [first, last] = [readings[0]!.atMs, readings.at(-1)!.atMs]
  const early = readings.filter(({ atMs }) => atMs <= first + windowMs)
  const late = readings.filter(({ atMs }) => atMs >= last - windowMs)
  const earlyBytes = medianOf(readings.slice(0, Math.max(early.length, READINGS_IN_WINDOW)))
  const lateBytes = medianOf(readings.slice(-Math.max(late.length, READINGS_IN_WINDOW)))
  return { earlyBytes, lateBytes, growth: Math.round((lateBytes / earlyBytes - 1) * 10_000) / 10_000 }
}

function medianOf(readings: readonly HeapReading[]): number {
  const bytes = readings.map(({ heapBytes }) => heapBytes).sort((a, b) => a - b)
  return bytes[bytes.length >> 1]!
}
