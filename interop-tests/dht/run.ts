import { given } from '../given.ts'
import { HelperProcess } from '../redteam/loads/helper-process.ts'
import { hubsInProcesses } from './hubs.ts'
import type { MemberFigures } from './members-process.ts'
import { spreadText } from './spread.ts'

// How the DHT of linked hubs is when there are many of them: see README.md.
const values = given({ short: { type: 'boolean', default: false } })
const HUBS = values.short
  ? { members: 6, reach: 1, rootsEach: 3, lookups: 24, killed: 1, lateMs: 30_000 }
  : { members: 20, reach: 4, rootsEach: 100, lookups: 600, killed: 4, lateMs: 500 }
const SIZES = values.short ? [12] : [20, 50, 100, 200]
const MEMBERS = values.short ? { reach: 2, roots: 24, lookups: 48 } : { reach: 5, roots: 400, lookups: 400 }
const FOUND_LEAST = 0.99

let isGood = await hubsInProcesses(HUBS)
for (const members of SIZES) {
  await using process = new HelperProcess(new URL('./members-process.ts', import.meta.url), [])
  const { announce, find, found, asked, cpuMs, rssBytes } = await process.ask<MemberFigures>('measure', {
    members,
    ...MEMBERS
  })
  console.log(
    `${members} members in one process, ${2 * MEMBERS.reach} links each: ${found} of ${MEMBERS.lookups} found; ` +
      `to announce ${spreadText(announce)}, to find ${spreadText(find)}; a look-up asks ${asked.toFixed(1)} members and takes ` +
      `${cpuMs.toFixed(1)} ms of CPU of all; ${(rssBytes / 1e6).toFixed(0)} MB`
  )
  isGood &&= found >= FOUND_LEAST * MEMBERS.lookups
}
console.log(
  isGood
    ? 'held'
    : 'NOT HELD: what could be found was not, or the dead were named, or a restart announced all anew'
)
process.exitCode = isGood ? 0 : 1
