import { Dice, newSeed } from '../faults/random.ts'
import { UsageError, crashArguments } from './arguments.ts'
import type { CrashArguments } from './arguments.ts'
import { cutBlobPower, killBlobs } from './blobs/crashes.ts'
import type { BlobVerdict } from './blobs/crashes.ts'
import { damageStores } from './damages.ts'
import { killAtRandom } from './kills.ts'
import type { Verdict } from './kills.ts'
import type { Random } from './load.ts'
import { cutPower } from './power-cuts.ts'

// npm run crash -- [--kills N] [--cuts N] [--damages N] [--blobs N] [--seed N]
// Runs a node, and a store of blobs alone, under load and breaks them: kill -9, power cuts, damaged files. The last line is JSON. Exits with 1 when
// something that was acknowledged was lost, came back, or was lost in silence; with 64 for wrong arguments.

const CUTS_A_RUN = 10
const DAMAGES_A_STORE = 20
const WORK_MS = 1500
/** Of messages or blobs: how much was answered, and what is wrong with what was found. */
interface AnyVerdict extends Omit<Verdict, 'violations'> {
  readonly violations: readonly { readonly rule: string; readonly detail: string }[]
}

const NONE: AnyVerdict = { crashes: 0, sends: 0, violations: [] }

try {
  process.exitCode = await main(crashArguments(process.argv.slice(2), newSeed))
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 64 : 1
}

async function main({ kills, cuts, damages, blobs, seed }: CrashArguments): Promise<number> {
  const dice = new Dice(seed)
  const random: Random = () => dice.between(0, 2 ** 30) / 2 ** 30
  const told = (text: string): void => console.log(text)
  console.log(
    `crash: ${kills} kills, ${cuts} power cuts, ${damages} damaged stores, ${blobs} kills and power cuts of blobs, from seed ${seed}`
  )
  const killed: AnyVerdict = kills === 0 ? NONE : await killAtRandom({ kills, random, told })
  const cut = await inRuns(cuts, CUTS_A_RUN, some => cutPower({ cuts: some, workMs: WORK_MS, random, told }))
  const damaged = await inRuns(damages, DAMAGES_A_STORE, some =>
    damageStores({ damages: some, random, told })
  )
  const blobKills = blobs === 0 ? NONE : ofBlobs(await killBlobs({ random, told }, blobs))
  const blobCuts = await inRuns(blobs, CUTS_A_RUN, async some =>
    ofBlobs(await cutBlobPower({ random, told }, { cuts: some, workMs: WORK_MS }))
  )
  const all = { kills: killed, cuts: cut, damages: damaged, blobKills, blobCuts }
  for (const { violations } of Object.values(all))
    for (const { rule, detail } of violations.slice(0, 20)) console.log(`${rule}: ${detail}`)
  const numbers = Object.entries(all).map(([name, { crashes, sends, violations }]) => [
    name,
    { crashes, sends, violations: violations.length }
  ])
  console.log(JSON.stringify({ seed, ...Object.fromEntries(numbers) }))
  return Object.values(all).some(({ violations }) => violations.length > 0) ? 1 : 0
}

function ofBlobs({ crashes, steps, violations }: BlobVerdict): AnyVerdict {
  return { crashes, sends: steps, violations }
}

async function inRuns(
  count: number,
  atOnce: number,
  run: (some: number) => Promise<AnyVerdict>
): Promise<AnyVerdict> {
  let sum = NONE
  for (let left = count; left > 0; left -= atOnce) {
    const { crashes, sends, violations } = await run(Math.min(left, atOnce))
    sum = {
      crashes: sum.crashes + crashes,
      sends: sum.sends + sends,
      violations: [...sum.violations, ...violations]
    }
  }
  return sum
}
