/** How well times of one kind can be told from those of another. */
export interface Difference {
  /** How often a time of the first kind is the longer one of two, one of each kind; 0.5 where nothing can be told. */
  readonly auc: number
  /** What that may differ from 0.5 by chance, as a standard deviation. */
  readonly chance: number
  readonly medians: readonly [number, number]
  /** How many of both kinds there were. */
  readonly times: number
}

/** So many standard deviations are no chance any more: one in 15,000 for one comparison. */
const SIGNIFICANT = 4

/** Compares two samples by their ranks, so that single long times count no more than others. */
export function differenceOf(first: readonly number[], second: readonly number[]): Difference {
  const all = [...first.map(ms => ({ ms, isFirst: true })), ...second.map(ms => ({ ms, isFirst: false }))]
  all.sort((a, b) => a.ms - b.ms)
  let rankSum = 0
  for (let at = 0; at < all.length;) {
    let end = at
    let ofFirst = 0
    while (end < all.length && all[end]!.ms === all[at]!.ms) if (all[end++]!.isFirst) ofFirst++
    rankSum += ofFirst * ((at + 1 + end) / 2)
    at = end
  }
  const [n, m] = [first.length, second.length]
  return {
    auc: (rankSum - (n * (n + 1)) / 2) / (n * m),
    chance: Math.sqrt((n + m + 1) / (12 * n * m)),
    medians: [medianOf(first), medianOf(second)],
    times: n + m
  }
}

export const isTold = ({ auc, chance }: Difference): boolean => Math.abs(auc - 0.5) > SIGNIFICANT * chance

/** Whether two comparisons, of times of their own, show the same difference: by chance one in 500,000,000. */
export const isConfirmed = (first: Difference, again: Difference): boolean =>
  isTold(first) && isTold(again) && first.auc > 0.5 === again.auc > 0.5

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
