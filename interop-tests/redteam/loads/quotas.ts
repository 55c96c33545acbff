import { assertCounted } from '../../quotas/counted.ts'
import { quietAndStorm } from '../../quotas/quiet-and-storm.ts'
import type { Round } from '../../quotas/quiet-and-storm.ts'
import { together } from '../../quotas/told.ts'
import { printTable } from '../table.ts'

const P99_RATIO_MOST = 2
/** Below that a p99 says more about who got the processor than about the node. */
const P99_MS_ALWAYS_GOOD = 3
const SIZES = { full: { rounds: 3, calls: 600 }, short: { rounds: 1, calls: 300 } } as const
/** In each round. */
const REFUSALS = 1000

const ratioOf = ({ quietMs, stormedMs }: Round): number => stormedMs / quietMs

/** A peer that calls far beyond the quota of its tenant, and what one of another tenant waits meanwhile. */
export async function quotas(full: boolean): Promise<boolean> {
  const size = full ? SIZES.full : SIZES.short
  const { rounds, honest, loud, counted } = await quietAndStorm({
    ...size,
    refusals: REFUSALS,
    givesWay: true
  })
  printTable(
    ['round', 'quiet: p99 ms', 'in the storm: p99 ms', 'ratio'],
    rounds.map((round, i) => [
      String(i + 1),
      round.quietMs.toFixed(2),
      round.stormedMs.toFixed(2),
      ratioOf(round).toFixed(2)
    ])
  )
  const refused = loud.codes.get('quota_tenant') ?? 0
  const middle = rounds.toSorted((a, b) => ratioOf(a) - ratioOf(b))[rounds.length >> 1]!
  console.log(
    `p99 ratio ${ratioOf(middle).toFixed(2)}, the median of ${rounds.length} rounds, at most ${P99_RATIO_MOST}; ` +
      `${refused} of ${loud.calls} calls of the storm were refused`
  )
  assertCounted(counted, together([honest, loud]))
  const problems = [
    ...(ratioOf(middle) <= P99_RATIO_MOST || middle.stormedMs <= P99_MS_ALWAYS_GOOD ? [] : ['too slow']),
    ...(honest.statuses.get(0) === honest.calls ? [] : ['calls of the honest peer failed'])
  ]
  for (const problem of problems) console.log(problem)
  console.log(problems.length === 0 ? 'pass' : 'FAIL')
  return problems.length === 0
}
