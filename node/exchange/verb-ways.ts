import type { Direction, VerbWays } from '../../federation/index.ts'
import type { Operation, ServiceTable } from '../../protocols/index.ts'

/**
 * Which way data goes under the verbs of these services, as the hub that is called sees it. A verb under which any
 * operation is about no topic, or about content, is not there: no share holds what it is about.
 */
export function verbWays(services: readonly ServiceTable[]): VerbWays {
  const rows = services.flatMap(({ operations }) => Object.values(operations) as Operation[])
  const unshared = new Set(
    rows.filter(row => row.topic === undefined || row.content !== undefined).map(verbOf)
  )
  const ways = new Map<string, Direction>()
  for (const row of rows) {
    if (unshared.has(row.verb)) continue
    const way = row.writes === true && row.relieves !== true ? 'in' : 'out'
    const known = ways.get(row.verb)
    ways.set(row.verb, known === undefined || known === way ? way : 'both')
  }
  return ways
}

const verbOf = ({ verb }: Operation): string => verb
