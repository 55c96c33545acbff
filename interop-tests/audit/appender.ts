import { AuditLog } from 'omnigate'
import { numbered } from './sample-log.ts'

const IN_FLIGHT = 32
const SEGMENT_ENTRIES = 500

// Appends without end to the log of the folder, and prints the number of each entry once it was acknowledged.
const folder = process.argv[2]!
const log = await AuditLog.open(folder, { segment: { entries: SEGMENT_ENTRIES } })
let next = log.size

async function appendForEver(): Promise<never> {
  for (;;) {
    const n = next++
    const seq = await log.append(numbered(n))
    process.stdout.write(`${seq} ${n} .\n`)
  }
}

async function upkeep(): Promise<never> {
  for (;;) {
    await log.checkpoint()
    await log.seal()
    await new Promise<void>(resolve => setImmediate(resolve))
  }
}

await Promise.all([upkeep(), ...Array.from({ length: IN_FLIGHT }, appendForEver)])
