/** Of times in ms: the median, the 99th percentile, and the longest. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly most: number
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { p50: at(0.5), p99: at(0.99), most: at(1) }
}

export const spreadText = ({ p50, p99, most }: Spread): string =>
  `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, most ${most.toFixed(1)} ms`
