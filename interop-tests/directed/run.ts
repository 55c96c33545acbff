import { Dice, newSeed } from '../faults/random.ts'
import { killEither } from './kills.ts'

// npm run directed -- [--kills N] [--seed N]
// Two hubs in two processes, one of which sends to the other while both are killed at random. The last line is JSON. Exits
// with 1 when an acknowledged message was lost, stored twice or has no receipt; with 64 for wrong arguments.

const FULL_KILLS = 100

const given = argumentsOf(process.argv.slice(2))
if (typeof given === 'string') {
  console.error(given)
  process.exitCode = 64
} else {
  const { kills, seed } = given
  const dice = new Dice(seed)
  console.log(`directed: ${kills} kills, from seed ${seed}`)
  const random = (): number => dice.between(0, 2 ** 30) / 2 ** 30
  const verdict = await killEither({ kills, random, told: text => console.log(text) })
  const { lost, twice, withoutReceipt } = verdict
  process.exitCode = lost.length + twice.length + withoutReceipt.length === 0 ? 0 : 1
  console.log(JSON.stringify({ seed, ...verdict }))
}

function argumentsOf(args: readonly string[]): { readonly kills: number; readonly seed: number } | string {
  const found = { '--kills': FULL_KILLS, '--seed': newSeed() }
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i] as keyof typeof found
    const value = args[i + 1] ?? ''
    if (!Object.hasOwn(found, name)) return `${name}: --kills or --seed`
    if (!/^\d{1,9}$/.test(value)) return `${name} ${value}: give a whole number`
    found[name] = Number(value)
  }
  return { kills: found['--kills'], seed: found['--seed'] }
}
