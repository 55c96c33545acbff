/**
 * Who is linked with whom: each member with the next `reach` of a ring, and so with as many before it. A record of the DHT
 * lies with those that its provider is linked with, so that whoever is at most twice that far away can find it.
 */
export interface Ring {
  readonly members: number
  readonly reach: number
}

/** The links that a member dials. */
export const dialledBy = ({ members, reach }: Ring, n: number): number[] =>
  Array.from({ length: reach }, (_, step) => (n + step + 1) % members).filter(other => other !== n)

/** Links from one to the other, along the shorter side. */
export function distance({ members, reach }: Ring, a: number, b: number): number {
  const steps = Math.abs(a - b)
  return Math.ceil(Math.min(steps, members - steps) / reach)
}

/**
 * So many pairs of a provider and one who is two links away, by somebody who is there: `isThere` may say that members are
 * not. The same pair may come again.
 */
export function pairs(
  ring: Ring,
  count: number,
  isThere: (n: number) => boolean = () => true
): [number, number][] {
  const there = Array.from({ length: ring.members }, (_, n) => n).filter(isThere)
  const isBetween = (a: number, b: number) => (n: number) =>
    distance(ring, a, n) === 1 && distance(ring, n, b) === 1
  const all = there.flatMap(a =>
    there
      .filter(b => distance(ring, a, b) === 2 && there.some(isBetween(a, b)))
      .map((b): [number, number] => [a, b])
  )
  // A stride without a common factor takes them from everywhere.
  return Array.from({ length: all.length === 0 ? 0 : count }, (_, n) => all[(n * STRIDE) % all.length]!)
}

const STRIDE = 7919
