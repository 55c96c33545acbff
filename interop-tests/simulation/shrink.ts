import type { Invariant, Violation } from './breakages.ts'
import { reduced } from './plan.ts'
import type { Kept, Plan } from './plan.ts'

/** Runs a plan: what did not hold, and after how many events. */
export type Try = (
  plan: Plan
) => Promise<{ readonly violations: readonly Violation[]; readonly events: number }>

export interface Shrunk {
  readonly plan: Plan
  readonly hubs: ReadonlySet<number>
  /** Numbers of events. */
  readonly events: ReadonlySet<number>
  readonly runs: number
}

const MOST_RUNS = 200
/** Of all runs: some minutes of one processor, whatever its speed makes of that. */
const MOST_EVENTS = 1_500_000

/**
 * The smallest plan found that breaks the same invariant: without hubs, without events, until nothing more can go or so
 * many runs were made. What is left is named by the numbers of the plan that it came from.
 */
export async function shrink(
  plan: Plan,
  invariant: Invariant,
  attempt: Try,
  mostRuns = MOST_RUNS
): Promise<Shrunk> {
  let [runs, eventsRun] = [0, 0]
  const isOver = (): boolean => runs >= mostRuns || eventsRun >= MOST_EVENTS
  const fails = async (kept: Kept): Promise<boolean> => {
    if (isOver()) return false
    runs++
    const { violations, events: run } = await attempt(reduced(plan, kept))
    eventsRun += run
    return violations.some(violation => violation.invariant === invariant)
  }
  let hubs: readonly number[] = plan.hubs
  let events: readonly number[] = plan.events.map(({ n }) => n)
  for (let size = Infinity; hubs.length + events.length < size && !isOver();) {
    size = hubs.length + events.length
    const all = new Set(events)
    hubs = await fewest(hubs, some => fails({ hubs: new Set(some), events: all }))
    const here = new Set(hubs)
    events = reduced(plan, { hubs: here, events: all }).events.map(({ n }) => n)
    events = await fewest(events, some => fails({ hubs: here, events: new Set(some) }))
  }
  const kept = { hubs: new Set(hubs), events: new Set(events) }
  return { plan: reduced(plan, kept), ...kept, runs }
}

/** Takes away ever smaller parts, as long as what is left still fails: delta debugging. */
async function fewest(
  all: readonly number[],
  fails: (some: readonly number[]) => Promise<boolean>
): Promise<readonly number[]> {
  let left = all
  for (let parts = 2; left.length > 0;) {
    const size = Math.ceil(left.length / parts)
    let isSmaller = false
    for (let from = 0; from < left.length && !isSmaller; from += size) {
      const some = [...left.slice(0, from), ...left.slice(from + size)]
      if (!(await fails(some))) continue
      left = some
      isSmaller = true
    }
    if (isSmaller) parts = Math.max(2, parts - 1)
    else if (size === 1) break
    else parts = Math.min(left.length, parts * 2)
  }
  return left
}
