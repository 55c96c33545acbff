/** A stretch of numbers, both ends included. */
export type Range = readonly [from: number, to: number]
/** Ascending, none touches the next. All work on them takes a time by how many there are, whatever the numbers. */
export type Ranges = readonly Range[]

export const isInOrder = (ranges: Ranges): boolean =>
  ranges.every(([from, to], n) => from <= to && (n === 0 || ranges[n - 1]![1] + 1 < from))

/** How many numbers they hold. */
export const countOf = (ranges: Ranges): number => ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)

export const holds = (ranges: Ranges, number: number): boolean =>
  ranges.some(([from, to]) => number >= from && number <= to)

/** What lies from `from` to `to`. */
export const clip = (ranges: Ranges, from: number, to: number): Ranges => meet(ranges, [[from, to]])

/** The numbers that both hold. */
export function meet(some: Ranges, others: Ranges): Ranges {
  const met: Range[] = []
  for (let a = 0, b = 0; a < some.length && b < others.length;) {
    const [one, other] = [some[a]!, others[b]!]
    const from = Math.max(one[0], other[0])
    const to = Math.min(one[1], other[1])
    if (from <= to) met.push([from, to])
    if (one[1] < other[1]) a++
    else b++
  }
  return met
}

/** The numbers that one of both holds. */
export function join(some: Ranges, others: Ranges): Ranges {
  const joined: Range[] = []
  for (const [from, to] of [...some, ...others].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last === undefined || from > last[1] + 1) joined.push([from, to])
    else joined[joined.length - 1] = [last[0], Math.max(last[1], to)]
  }
  return joined
}

/** The numbers of the first that the second does not hold. */
export function minus(some: Ranges, others: Ranges): Ranges {
  const left: Range[] = []
  let b = 0
  for (const [from, to] of some) {
    let at = from
    while (b < others.length && others[b]![1] < at) b++
    for (let n = b; n < others.length && others[n]![0] <= to; n++) {
      const [gapFrom, gapTo] = others[n]!
      if (gapFrom > at) left.push([at, gapFrom - 1])
      at = Math.max(at, gapTo + 1)
    }
    if (at <= to) left.push([at, to])
  }
  return left
}

/** From a number on, and then what lies before it: not in ascending order where both have some. */
export const rotated = (ranges: Ranges, start: number): Ranges => [
  ...clip(ranges, start, Number.MAX_SAFE_INTEGER),
  ...clip(ranges, 0, start - 1)
]

/** The first numbers of ranges in whatever order, at most so many numbers in so many ranges, and the rest. */
export function cut(
  ranges: Ranges,
  { numbers, stretches }: { readonly numbers: number; readonly stretches: number }
): { readonly taken: Ranges; readonly rest: Ranges } {
  const taken: Range[] = []
  let room = numbers
  for (const [n, [from, to]] of ranges.entries()) {
    if (room === 0 || taken.length === stretches) return { taken, rest: ranges.slice(n) }
    const end = Math.min(to, from + room - 1)
    taken.push([from, end])
    room -= end - from + 1
    if (end < to) return { taken, rest: [[end + 1, to], ...ranges.slice(n + 1)] }
  }
  return { taken, rest: [] }
}
