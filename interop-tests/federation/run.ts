import { parseArgs } from 'node:util'
import { newSeed } from '../faults/random.ts'
import { runTrial } from './trial.ts'

// npm run split [-- --hubs N] [--minutes N] [--seed N] [--short]: hubs that are split and healed; see README.md.
// Exits with 1 when they did not agree.
const { values } = parseArgs({
  options: {
    hubs: { type: 'string', default: '3,5' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    short: { type: 'boolean', default: false }
  }
})
const PHASE_MS = 6000
const seed = Number(values.seed ?? (values.short ? 1 : newSeed()))
const sizes = values.short ? [3] : values.hubs.split(',').map(Number)
const phases = values.short ? 3 : Math.ceil((Number(values.minutes) * 60_000) / PHASE_MS / sizes.length)

let isGood = true
for (const hubs of sizes) {
  const size = { hubs, phases, phaseMs: PHASE_MS, sendsEach: 10, kills: true, agreeMs: 240_000 }
  console.log(`${hubs} hubs, ${phases} phases, seed ${seed}`)
  const { sent, kills, agreedMs, violations } = await runTrial(size, seed, console.log)
  for (const violation of violations) console.log(`NOT HELD: ${violation}`)
  console.log(
    `${hubs} hubs: ${sent} messages of all, ${kills} kills; all agreed ${(agreedMs / 1000).toFixed(1)} s after the last healing`
  )
  isGood &&= violations.length === 0
}
console.log(isGood ? 'held' : 'NOT HELD')
process.exitCode = isGood ? 0 : 1
