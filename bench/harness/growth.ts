import { setTimeout as sleep } from 'node:timers/promises'
import type { Cost, Costs } from './costs.ts'
import { threadsCpuMicrosOf } from './process-files.ts'
import { median, rounded, spread } from './statistics.ts'
import { atMost, type Check, type Figures } from './verdict.ts'

const MOST_GROWTH = 1.3
/** LevelDB goes on sorting for a while after it was filled: it is quiet when it needs less than this share of a core. */
const QUIET_SHARE = 0.05
const QUIET_LOOK_MS = 1000
const QUIET_LOOKS = 60

const elapsed = ({ elapsedMicros, operations }: Cost): number => elapsedMicros / operations
const cpu = ({ cpuMicros, operations }: Cost): number => cpuMicros / operations

export const describedCosts = (operations: readonly string[], costs: Costs): string =>
  operations.map(name => `${name} ${rounded(elapsed(costs[name]!))}/${rounded(cpu(costs[name]!))}`).join(', ')

/** Resolves once the node does nothing to speak of. */
export async function quiet(name: string, pid: number): Promise<void> {
  for (let look = 0; look < QUIET_LOOKS; look++) {
    const before = threadsCpuMicrosOf(pid)
    await sleep(QUIET_LOOK_MS)
    if (threadsCpuMicrosOf(pid) - before < QUIET_SHARE * QUIET_LOOK_MS * 1000) return
  }
  throw new Error(`${name}: the node does not get quiet`)
}

/** What each operation costs where there is much, as a share of what it costs where there is little; the first is the headline. */
export function growthFigures(
  operations: readonly string[],
  what: string,
  { few, many }: Readonly<Record<'few' | 'many', readonly Costs[]>>
): Figures {
  const all = (of: readonly Costs[], name: string, cost: (cost: Cost) => number): number[] =>
    of.map(costs => cost(costs[name]!))
  const growth = (name: string, cost: (cost: Cost) => number): number =>
    median(all(many, name, cost)) / median(all(few, name, cost))
  const grows = (of: string, cost: (cost: Cost) => number): Check[] =>
    operations.map(name => atMost(`${name}, ${of}`, MOST_GROWTH, growth(name, cost)))
  const [headline = ''] = operations
  return {
    what,
    ours: rounded(median(all(many, headline, elapsed))),
    others: {},
    limit: rounded(median(all(few, headline, elapsed))),
    checks: [...grows('time', elapsed), ...grows('CPU of the node', cpu)],
    spread: Object.fromEntries(
      operations.flatMap(name => [
        [`${name} few`, rounded(spread(all(few, name, elapsed)))],
        [`${name} many`, rounded(spread(all(many, name, elapsed)))]
      ])
    ),
    notes: Object.fromEntries(
      operations.flatMap(name => [
        [`${name} us`, rounded(median(all(many, name, elapsed)))],
        [`${name} CPU us`, rounded(median(all(many, name, cpu)))]
      ])
    )
  }
}
