/** Bytes from `from` up to, not including, `to`; `Infinity` is an end that is not known yet. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Which bytes of a blob: spans in ascending order that neither overlap nor touch. Never changed, only replaced. */
export type ByteRanges = readonly Span[]

export const span = (from: number, to: number): ByteRanges => (from < to ? [{ from, to }] : [])

/** The ranges in both. */
export function within(ranges: ByteRanges, bounds: ByteRanges): ByteRanges {
  const inside: Span[] = []
  for (const bound of bounds) {
    for (const { from, to } of ranges) {
      const [first, last] = [Math.max(from, bound.from), Math.min(to, bound.to)]
      if (first < last) inside.push({ from: first, to: last })
    }
  }
  return inside
}

/** The ranges without those of `taken`. */
export function without(ranges: ByteRanges, { from, to }: Span): ByteRanges {
  if (from >= to) return ranges
  return ranges.flatMap(range => [
    ...span(range.from, Math.min(range.to, from)),
    ...span(Math.max(range.from, to), range.to)
  ])
}

export const includes = (ranges: ByteRanges, { from, to }: Span): boolean =>
  from >= to || ranges.some(range => range.from <= from && to <= range.to)
