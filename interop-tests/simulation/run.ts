import { newSeed } from '../faults/random.ts'
import { USAGE, UsageError, simulateArguments } from './arguments.ts'
import type { Simulating } from './arguments.ts'
import { COST_HEAD, costOf, costRow } from './cost.ts'
import type { Cost } from './cost.ts'
import { drawPlan, reduced } from './plan.ts'
import { planLines, replayCommand } from './report.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'
import type { Outcome } from './simulation.ts'

// npm run simulate: hubs in memory with all that can happen to them, drawn from a seed; see docs/simulation.md. The last
// line is JSON. Exits with 1 when an invariant did not hold, with 64 for wrong arguments.
const WRONG_ARGUMENTS = 64

async function run(args: readonly string[]): Promise<number> {
  const asked = simulateArguments(args, newSeed)
  if (asked.is === 'simulate') return runSeeds(asked)
  const costs: Cost[] = []
  for (const line of COST_HEAD) console.log(line)
  for (const isRelayed of [false, true])
    for (const hubs of asked.hubs) {
      const cost = await costOf(hubs, isRelayed)
      costs.push(cost)
      console.log(costRow(cost))
    }
  console.log(JSON.stringify({ costs }))
  return 0
}

async function runSeeds(asked: Simulating): Promise<number> {
  const outcomes: Outcome[] = []
  for (let seed = asked.seed; seed < asked.seed + asked.seeds; seed++) {
    const outcome = await runSeed(asked, seed)
    outcomes.push(outcome)
    if (outcome.violations.length > 0) break
  }
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, one) => all + of(one), 0)
  const violations = outcomes.flatMap(one => one.violations)
  const { hubs, steps, seed } = asked
  console.log(
    JSON.stringify({
      held: violations.length === 0,
      hubs,
      steps,
      seed,
      seeds: outcomes.length,
      sent: sum(({ sent }) => sent),
      delivered: sum(({ delivered }) => delivered),
      stops: sum(({ stops }) => stops),
      quarantines: sum(({ quarantines }) => quarantines),
      believed: sum(({ believed }) => believed.liars),
      unproved: sum(({ believed }) => believed.unproved),
      events: sum(({ events }) => events),
      traces: outcomes.map(({ trace }) => trace),
      violations
    })
  )
  return violations.length === 0 ? 0 : 1
}

async function runSeed(asked: Simulating, seed: number): Promise<Outcome> {
  const { breakage } = asked
  const plan = reduced(drawPlan(seed, asked), { hubs: asked.only, events: asked.events })
  const outcome = await simulate(plan, { breakage })
  const { sent, delivered, stops, quarantines, healedMs, trace, violations } = outcome
  console.log(
    `seed ${seed}: ${plan.hubs.length} hubs, ${plan.liars.size} of them lie; ${sent} sent, ${delivered} delivered, ` +
      `${stops} stops, ${quarantines} quarantines, healed in ${healedMs / 1000} s; trace ${trace.slice(0, 16)}`
  )
  const [first] = violations
  if (first === undefined) return outcome
  for (const { invariant, detail } of violations) console.log(`NOT HELD: ${invariant}: ${detail}`)
  const attempt = (smaller: typeof plan) => simulate(smaller, { breakage })
  const shrunk = await shrink(plan, first.invariant, attempt)
  console.log(`the smallest plan of ${shrunk.runs} runs that breaks ${first.invariant}:`)
  for (const line of planLines(shrunk.plan)) console.log(`  ${line}`)
  console.log(replayCommand(asked, seed, shrunk))
  return outcome
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = WRONG_ARGUMENTS
}
