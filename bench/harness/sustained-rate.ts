const FIRST = 20
const GROWTH = 1.25
const STRIDE = 3

/** Rates on a ladder on which each rung is a quarter more than the one below; rung 0 is 20 a second. */
export const rateOf = (rung: number): number => FIRST * GROWTH ** rung

export interface Ladder {
  readonly lowest: number
  readonly highest: number
  /** Where the search begins. */
  readonly start: number
}

/**
 * The highest rung that holds, found by strides from the start and then by halves; `lowest - 1` where none does. No rung
 * is tried twice, and what is above one that does not hold is taken not to hold either.
 */
export async function highestRung(
  { lowest, highest, start }: Ladder,
  holds: (rung: number) => Promise<boolean>
): Promise<number> {
  let [good, bad] = [lowest - 1, highest + 1]
  let next = start
  while (good + 1 < bad) {
    if (await holds(next)) good = next
    else bad = next
    const isOpenAbove = bad > highest
    const isOpenBelow = good < lowest
    if (isOpenAbove) next = Math.min(good + STRIDE, highest)
    else if (isOpenBelow) next = Math.max(bad - STRIDE, lowest)
    else next = Math.floor((good + bad) / 2)
  }
  return good
}
