import { newSeed } from '../faults/random.ts'
import { given, wholeGiven } from '../given.ts'
import { runTrial } from './trial.ts'

// npm run split [-- --hubs N] [--minutes N] [--seed N] [--short]: hubs that are split and healed; see README.md.
// Exits with 1 when they did not agree, with 64 for wrong arguments.
const values = given({
  hubs: { type: 'string', default: '3,5' },
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  short: { type: 'boolean', default: false }
})
const PHASE_MS = 6000
const drawn = values.short ? 1 : newSeed()
const seed = values.seed === undefined ? drawn : wholeGiven('seed', values.seed, [0, 2 ** 31])
const hubs = values.hubs.split(',').map(text => wholeGiven('hubs', text, [2, 20]))
const minutes = wholeGiven('minutes', values.minutes, [1, 1440])
const sizes = values.short ? [3] : hubs
const phases = values.short ? 3 : Math.ceil((minutes * 60_000) / PHASE_MS / sizes.length)

let isGood = true
for (const size of sizes) {
  const trial = { hubs: size, phases, phaseMs: PHASE_MS, sendsEach: 10, kills: true, agreeMs: 240_000 }
  console.log(`${size} hubs, ${phases} phases, seed ${seed}`)
  const { sent, kills, agreedMs, violations } = await runTrial(trial, seed, console.log)
  for (const violation of violations) console.log(`NOT HELD: ${violation}`)
  console.log(
    `${size} hubs: ${sent} messages of all, ${kills} kills; all agreed ${(agreedMs / 1000).toFixed(1)} s after the last healing`
  )
  isGood &&= violations.length === 0
}
console.log(isGood ? 'held' : 'NOT HELD')
process.exitCode = isGood ? 0 : 1
