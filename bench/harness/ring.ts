/** How far along the ring the members stand that one dials. */
const STEPS = [1, 5, 8]

/**
 * For each member of a ring with chords, those that it dials; the others of its links are dialled from there. Of 20 each
 * has six links, and reaches every other over two at most: a hub relays only for hubs that it is linked with itself.
 */
export function ringWithChords(members: number): readonly (readonly number[])[] {
  const known = new Set<string>()
  return Array.from({ length: members }, (_, from) =>
    STEPS.map(step => (from + step) % members).filter(to => {
      const pair = [Math.min(from, to), Math.max(from, to)].join()
      const isNew = from !== to && !known.has(pair)
      known.add(pair)
      return isNew
    })
  )
}

/** How many links each member has, whoever dialled. */
export function linksOf(dials: readonly (readonly number[])[]): readonly number[] {
  return dials.map((own, at) => own.length + dials.filter(others => others.includes(at)).length)
}
