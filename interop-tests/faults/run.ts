import { faultArguments, UsageError } from './arguments.ts'
import type { FaultArguments } from './arguments.ts'
import { MeasuredNode } from './measured-node.ts'
import { readProcess, watchForStrays } from './process-reading.ts'
import { HEADINGS, row, summary } from './report.ts'
import { LONG_SCENARIOS, SCENARIOS } from './scenarios.ts'
import { trials } from './trials.ts'
import { runTrial } from './trial.ts'
import type { Encryption, TrialResult } from './trial.ts'

// npm run faults [-- --full [--minutes N]] [--seed N] [--only NAME] [--json]
// Exits with 1 when an invariant was broken, with 64 for wrong arguments.

/** A frame must be whole sooner than by default, so that a slow-loris ends within a trial. */
const NODE_CONFIG = { 'limits.frameTimeoutMs': 3000, 'limits.firstFrameTimeoutMs': 3000 }
const WARM_UP_SEED = 0

try {
  process.exitCode = await main(
    faultArguments(
      process.argv.slice(2),
      [...SCENARIOS, ...LONG_SCENARIOS].map(({ name }) => name)
    )
  )
} catch (error) {
  // Thrown on, it would only be noted as a stray.
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 64 : 1
}

async function main(options: FaultArguments): Promise<number> {
  watchForStrays()
  const started = performance.now()
  const until = started + options.minutes * 60_000
  if (!options.json) console.log(HEADINGS)
  const lanes = (['noise', 'tls'] as const).map(encryption => runLane(encryption, options, until))
  const results = (await Promise.all(lanes)).flat()
  const { strays } = await readProcess({ collect: false })
  console.log(summary(results, strays, options, performance.now() - started))
  return strays.length === 0 && results.every(({ violations }) => violations.length === 0) ? 0 : 1
}

/** Trials over one encryption against a node of its own; the same seed gives the same schedules. */
async function runLane(
  encryption: Encryption,
  options: FaultArguments,
  until: number
): Promise<TrialResult[]> {
  await using node = await MeasuredNode.start(NODE_CONFIG)
  await runTrial(node, SCENARIOS[0]!, encryption, WARM_UP_SEED)
  const results: TrialResult[] = []
  for (const { scenario, seed } of trials(options)) {
    const result = await runTrial(node, scenario, encryption, seed)
    results.push(result)
    console.log(options.json ? JSON.stringify(result) : row(result))
    if (performance.now() > until && options.minutes > 0) break
  }
  return results
}
