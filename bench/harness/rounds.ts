/** Lets each entrant work once a round, in an order that rotates, so that drift of the machine meets all alike. */
export async function interleaved<T, S>(
  entrants: readonly T[],
  rounds: number,
  work: (entrant: T, round: number) => Promise<S>
): Promise<Map<T, S[]>> {
  const samples = new Map<T, S[]>(entrants.map(entrant => [entrant, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < entrants.length; turn++) {
      const entrant = entrants[(round + turn) % entrants.length]!
      samples.get(entrant)!.push(await work(entrant, round))
    }
  }
  return samples
}
