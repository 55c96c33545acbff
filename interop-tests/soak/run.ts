import { setTimeout as sleep } from 'node:timers/promises'
import { MeasuredNode, isAtRest } from '../faults/measured-node.ts'
import type { NodeReading } from '../faults/measured-node.ts'
import { readProcess, watchForStrays } from '../faults/process-reading.ts'
import type { ProcessReading } from '../faults/process-reading.ts'
import { UsageError, soakArguments } from './arguments.ts'
import type { SoakArguments } from './arguments.ts'
import { heapTrend } from './heap-trend.ts'
import type { HeapTrend } from './heap-trend.ts'
import { phasesOf } from './phases.ts'
import { lateness, leaks } from './verdict.ts'
import { Worker } from './worker.ts'
import type { Tally } from './worker.ts'

// npm run soak -- --minutes N [--seed N] [--leak BYTES]
// Connects, calls, streams, breaks and leaves connections to a node for N minutes; the client is watched as the node is.
// With --leak the client keeps so many bytes of each cycle, and the run must fail. The last line is JSON. Exits with 1 when something was kept or broken, with 64 for wrong arguments.

const WORKERS = 3
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

async function main({ minutes, seed, leak }: SoakArguments): Promise<number> {
  watchForStrays()
  const started = performance.now()
  const { warmUpMs, windowMs, everyMs } = phasesOf(minutes)
  await using stack = new AsyncDisposableStack()
  const node = stack.use(await MeasuredNode.start())
  const workers: Worker[] = []
  for (let i = 0; i < WORKERS; i++)
    workers.push(stack.use(await Worker.start(node.address, seed + i, { leak })))
  const tally: Tally = { cycles: 0, refused: {}, late: 0, broken: [] }
  const runUntil = (end: number): Promise<unknown> =>
    Promise.all(workers.map(worker => worker.run(tally, () => performance.now() > end)))

  console.log(`soak: ${minutes} minutes from seed ${seed}, node process ${node.pid}`)
  await runUntil(started + warmUpMs)
  const before = await atRest(node)
  console.log(line(started, tally, before))
  const atWork: Timed[] = []
  const reporting = new AbortController()
  const reports = reportEach(everyMs, reporting.signal, async () => {
    atWork.push({ atMs: performance.now() - started, ...(await readings(node, { collect: true })) })
    console.log(line(started, tally, atWork.at(-1)!))
  })
  await runUntil(performance.now() + minutes * 60_000 - warmUpMs)
  reporting.abort()
  await reports
  const after = await atRest(node)
  console.log(line(started, tally, after))

  const trend = (of: 'node' | 'client'): HeapTrend =>
    heapTrend(
      atWork.map(one => ({ atMs: one.atMs, heapBytes: one[of].heapBytes })),
      windowMs
    )
  // A run that broke off says why; it may be too short for a trend.
  const heaps = tally.broken.length === 0 ? { node: trend('node'), client: trend('client') } : undefined
  const violations = [...tally.broken, ...(heaps ? violationsOf(tally, before, after, heaps) : [])]
  for (const violation of violations) console.log(`soak: ${violation}`)
  console.log(
    JSON.stringify({
      soak: violations.length === 0 ? 'held' : 'BROKEN',
      minutes,
      seed,
      seconds: Math.round((performance.now() - started) / 1000),
      cycles: tally.cycles,
      late: tally.late,
      refused: tally.refused,
      heaps,
      node: changeBetween(before.node, after.node),
      client: changeBetween(before.client, after.client),
      violations
    })
  )
  return violations.length === 0 ? 0 : 1
}

interface Timed extends Readings {
  readonly atMs: number
}

function violationsOf(
  { late, cycles }: Tally,
  before: Readings,
  after: Readings,
  heaps: Readonly<Record<'node' | 'client', HeapTrend>>
): string[] {
  const { node } = after
  return [
    ...lateness(late, cycles),
    ...(isAtRest(node) ? [] : [`the node still has open: ${JSON.stringify(node.open)}`]),
    ...(node.ready ? [] : ['the node is not ready']),
    ...leaks('node', before.node, node, heaps.node),
    ...leaks('client', before.client, after.client, heaps.client)
  ]
}

/** What was open and resident at rest, before and after. */
function changeBetween(before: ProcessReading, after: ProcessReading): object {
  return { rssBytes: [before.rssBytes, after.rssBytes], fds: [before.fds, after.fds] }
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

function line(started: number, { cycles, late }: Tally, { node, client }: Readings): string {
  const { connections, sessions, calls, inbound_held_bytes } = node.open
  return [
    `${Math.round((performance.now() - started) / 1000)} s`.padStart(7),
    `${cycles} cycles, ${late} late`.padStart(21),
    `node: ${holding(node)}, open ${connections}/${sessions}/${calls}/${inbound_held_bytes}`,
    `client: ${holding(client)}`
  ].join('  ')
}

function holding({ heapBytes, rssBytes, fds, handles }: ProcessReading): string {
  const count = Object.values(handles).reduce((sum, each) => sum + each, 0)
  const heap = (heapBytes / MIB).toFixed(2)
  return `heap ${heap} MiB, rss ${Math.round(rssBytes / MIB)} MiB, ${fds} fds, ${count} handles`
}
