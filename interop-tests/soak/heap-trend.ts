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
const READINGS_LEAST = 3

/**
 * How the heap grew between the first `windowMs` of the readings and the last. Medians, since any one reading meets
 * connections that are open by chance.
 * @throws when one of the windows has too few readings, which a machine that stood still can do.
 */
export function heapTrend(readings: readonly HeapReading[], windowMs: number): HeapTrend {
  const [first, last] = [readings[0]?.atMs ?? 0, readings.at(-1)?.atMs ?? 0]
  const earlyBytes = medianOf(readings.filter(({ atMs }) => atMs <= first + windowMs))
  const lateBytes = medianOf(readings.filter(({ atMs }) => atMs >= last - windowMs))
  return { earlyBytes, lateBytes, growth: Math.round((lateBytes / earlyBytes - 1) * 10_000) / 10_000 }
}

function medianOf(readings: readonly HeapReading[]): number {
  if (readings.length < READINGS_LEAST) throw new Error(`${readings.length} heap readings are too few`)
  const bytes = readings.map(({ heapBytes }) => heapBytes).sort((a, b) => a - b)
  return bytes[bytes.length >> 1]!
}
