import { setTimeout as sleep } from 'node:timers/promises'
import { MeasuredNode, isAtRest } from '../faults/measured-node.ts'
import type { NodeReading } from '../faults/measured-node.ts'
import { readProcess, watchForStrays } from '../faults/process-reading.ts'
import type { ProcessReading } from '../faults/process-reading.ts'
import { UsageError, soakArguments } from './arguments.ts'
import type { SoakArguments } from './arguments.ts'
import { growthBetween, leaks } from './verdict.ts'
import { Worker } from './worker.ts'
import type { Tally } from './worker.ts'

// npm run soak -- --minutes N [--seed N]
// Connects, calls, streams, breaks and leaves connections to a node for N minutes; the client is watched as the node is.
// The last line is JSON. Exits with 1 when something was kept or broken, with 64 for wrong arguments.

const WORKERS = 3
const MAX_WARM_UP_MS = 180_000
const REPORT_MS = 30_000
const REST_MS = 20_000
/** Streams that were closed for cause, and dials that were given up, may take this long to let go of everything. */
const SETTLE_MS = 12_000
const MIB = 2 ** 20

interface Readings {
  readonly node: NodeReading
  readonly client: ProcessReading
}

try {
  process.exitCode = await main(soakArguments(process.argv.slice(2)))
} catch (error) {
  // Thrown on, it would only be noted as a stray.
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 64 : 1
}

async function main({ minutes, seed }: SoakArguments): Promise<number> {
  watchForStrays()
  const started = performance.now()
  const until = started + minutes * 60_000
  await using stack = new AsyncDisposableStack()
  const node = stack.use(await MeasuredNode.start())
  const workers: Worker[] = []
  for (let i = 0; i < WORKERS; i++) workers.push(stack.use(await Worker.start(node.address, seed + i)))
  const tally: Tally = { cycles: 0, refused: {}, broken: [] }
  const runUntil = (end: number): Promise<unknown> =>
    Promise.all(workers.map(worker => worker.run(tally, () => performance.now() > end)))

  console.log(`soak: ${minutes} minutes from seed ${seed}, node process ${node.pid}`)
  await runUntil(started + Math.min(MAX_WARM_UP_MS, minutes * 20_000))
  const before = await atRest(node)
  console.log(line(started, tally, before))
  const reporting = new AbortController()
  const reports = reportEach(REPORT_MS, reporting.signal, async () => {
    console.log(line(started, tally, await readings(node, { collect: true })))
  })
  await runUntil(until)
  reporting.abort()
  await reports
  const after = await atRest(node)
  console.log(line(started, tally, after))

  const violations = violationsOf(tally, before, after)
  for (const violation of violations) console.log(`soak: ${violation}`)
  console.log(
    JSON.stringify({
      soak: violations.length === 0 ? 'held' : 'BROKEN',
      minutes,
      seed,
      seconds: Math.round((performance.now() - started) / 1000),
      cycles: tally.cycles,
      refused: tally.refused,
      node: growthBetween(before.node, after.node),
      client: growthBetween(before.client, after.client),
      violations
    })
  )
  return violations.length === 0 ? 0 : 1
}

function violationsOf({ broken }: Tally, before: Readings, after: Readings): string[] {
  const { node } = after
  return [
    ...broken,
    ...(isAtRest(node) ? [] : [`the node still has open: ${JSON.stringify(node.open)}`]),
    ...(node.ready ? [] : ['the node is not ready']),
    ...leaks('node', before.node, node),
    ...leaks('client', before.client, after.client)
  ]
}

async function atRest(node: MeasuredNode): Promise<Readings> {
  await node.rest({ withinMs: REST_MS })
  await sleep(SETTLE_MS)
  return readings(node, { collect: true })
}

async function readings(node: MeasuredNode, options: { collect: boolean }): Promise<Readings> {
  return { node: await node.read(options), client: await readProcess(options) }
}

async function reportEach(ms: number, signal: AbortSignal, report: () => Promise<void>): Promise<void> {
  for (;;) {
    await sleep(ms, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    await report()
  }
}

function line(started: number, { cycles }: Tally, { node, client }: Readings): string {
  const { connections, sessions, calls, inbound_held_bytes } = node.open
  return [
    `${Math.round((performance.now() - started) / 1000)} s`.padStart(7),
    `${cycles} cycles`.padStart(13),
    `node: ${holding(node)}, open ${connections}/${sessions}/${calls}/${inbound_held_bytes}`,
    `client: ${holding(client)}`
  ].join('  ')
}

function holding({ heapBytes, rssBytes, fds, handles }: ProcessReading): string {
  const count = Object.values(handles).reduce((sum, each) => sum + each, 0)
  const heap = (heapBytes / MIB).toFixed(2)
  return `heap ${heap} MiB, rss ${Math.round(rssBytes / MIB)} MiB, ${fds} fds, ${count} handles`
}
