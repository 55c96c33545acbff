import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchForStrays } from '../faults/process-reading.ts'
import type { ProcessReading } from '../faults/process-reading.ts'
import { UsageError, soakArguments } from './arguments.ts'
import type { SoakArguments } from './arguments.ts'
import { planOf } from './phases.ts'
import { soak } from './soak.ts'
import type { Readings } from './soak.ts'

// npm run soak -- --minutes N [--seed N] [--leak BYTES]
// Uses a node for N minutes: connects, calls, streams, breaks and leaves connections; sends, receives, subscribes and
// acknowledges messages; restarts it now and then. The client is watched as the node is. With --leak the client keeps so
// many bytes of each cycle, and the run must fail. The last line is JSON. Exits with 1 when something was kept, lost or
// broken, or too many calls had no answer; with 64 for wrong arguments.

const MIB = 2 ** 20

try {
  process.exitCode = await main(soakArguments(process.argv.slice(2)))
} catch (error) {
  // Thrown on, it would only be noted as a stray.
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 64 : 1
}

async function main({ minutes, seed, leak }: SoakArguments): Promise<number> {
  watchForStrays()
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-soak-'))
  try {
    console.log(`soak: ${minutes} minutes from seed ${seed}`)
    const told = (readings: Readings): void => console.log(line(readings))
    const report = await soak({ plan: planOf(minutes), seed, leak, folder, told })
    for (const violation of report.violations) console.log(`soak: ${violation}`)
    console.log(JSON.stringify({ minutes, seed, ...report }))
    return report.violations.length === 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function line({ atMs, cycles, stored, node, client }: Readings): string {
  const { connections, sessions, calls, inbound_held_bytes } = node.open
  return [
    `${Math.round(atMs / 1000)} s`.padStart(7),
    `${cycles} cycles, ${stored} messages`.padStart(28),
    `node: ${holding(node)}, open ${connections}/${sessions}/${calls}/${inbound_held_bytes}`,
    `client: ${holding(client)}`
  ].join('  ')
}

function holding({ heapBytes, externalBytes, rssBytes, fds, handles }: ProcessReading): string {
  const count = Object.values(handles).reduce((sum, each) => sum + each, 0)
  const inUse = `heap ${(heapBytes / MIB).toFixed(2)} + ${(externalBytes / MIB).toFixed(1)} MiB`
  return `${inUse}, rss ${Math.round(rssBytes / MIB)} MiB, ${fds} fds, ${count} handles`
}
