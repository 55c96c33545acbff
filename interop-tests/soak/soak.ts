import { setTimeout as sleep } from 'node:timers/promises'
import { isAtRest } from '../faults/measured-node.ts'
import type { NodeReading } from '../faults/measured-node.ts'
import { readProcess } from '../faults/process-reading.ts'
import type { ProcessReading } from '../faults/process-reading.ts'
import { READINGS_LEAST, heapTrend } from './heap-trend.ts'
import type { HeapTrend } from './heap-trend.ts'
import type { Window } from './latencies.ts'
import { Load } from './load.ts'
import type { Plan } from './phases.ts'
import { SoakNode } from './soak-node.ts'
import type { Ending } from './soak-node.ts'
import { leaks, moreFiles } from './verdict.ts'

const REST_MS = 20_000
/** A machine too slow for two windows of readings may take so many times as long. */
const MOST_LATE = 3
const ENDINGS: readonly Ending[] = ['stop', 'kill']

/** What both processes hold at one moment, and what was done until then. */
export interface Readings {
  /** Since the start of the run. */
  readonly atMs: number
  readonly cycles: number
  readonly stored: number
  readonly node: NodeReading
  readonly client: ProcessReading
}

export interface SoakOptions {
  readonly plan: Plan
  readonly seed: number
  /** Bytes that the client keeps of each cycle that was not refused. */
  readonly leak: number
  /** An empty folder for what the node stores. */
  readonly folder: string
  readonly told: (readings: Readings) => void
}

/** One run: short lives of a node under load, then a long one whose beginning and end are compared, then one more restart. */
export async function soak({ plan, seed, leak, folder, told }: SoakOptions) {
  const { restartsAtMs, lifeMs, phases, settleMs } = plan
  const { warmUpMs, windowMs, everyMs } = phases
  const started = performance.now()
  let work = { from: Infinity, until: Infinity }
  await using node = await SoakNode.start(folder)
  await using load = await Load.start(node, { seed, leak, windowAt: () => windowOf(work, windowMs) })
  const read = async (): Promise<Readings> => ({
    atMs: performance.now() - started,
    cycles: load.tally.cycles,
    stored: load.stored,
    node: await node.read({ collect: true }),
    client: await readProcess({ collect: true })
  })
  const idle = async (): Promise<Readings> => {
    await node.rest({ withinMs: REST_MS })
    await sleep(settleMs)
    const readings = await read()
    told(readings)
    return readings
  }

  let warmUntil = Infinity
  const shortLives = async (): Promise<void> => {
    for (const [i, atMs] of restartsAtMs.entries()) {
      await sleep(Math.max(0, started + atMs - performance.now()))
      if (load.isBroken) break
      await load.restart(ENDINGS[i % ENDINGS.length]!)
    }
    warmUntil = performance.now() + warmUpMs
  }
  await Promise.all([shortLives(), load.run(() => performance.now() > warmUntil)])
  const before = await idle()

  const atWork: Readings[] = []
  const from = performance.now()
  work = { from, until: from + lifeMs - warmUpMs }
  const reporting = new AbortController()
  const reports = each(everyMs, reporting.signal, async () => {
    atWork.push(await read())
    told(atWork.at(-1)!)
  })
  const isOver = (now: number): boolean =>
    now > work.until && (atWork.length >= READINGS_LEAST || now > work.until + MOST_LATE * lifeMs)
  await load.run(() => isOver(performance.now()))
  reporting.abort()
  await reports
  const after = await idle()
  // A run that broke off says why; it may be too short for a trend.
  const heaps = load.isBroken ? undefined : heapsOf(atWork, windowMs)
  if (!load.isBroken) await load.restart(ENDINGS[restartsAtMs.length % ENDINGS.length]!)
  const restarted = await idle()

  const violations = [
    ...load.violations,
    ...(heaps === undefined ? [] : [...load.availability.violations(), ...kept(before, after, heaps)]),
    ...atEnd(after, restarted)
  ]
  return {
    soak: violations.length === 0 ? 'held' : 'BROKEN',
    seconds: Math.round((performance.now() - started) / 1000),
    availability: load.availability.report(),
    restarts: load.restarts.count,
    cycles: load.tally.cycles,
    refused: load.tally.refused,
    messages: load.stored,
    latencies: load.latencies.report(),
    heaps,
    node: changeBetween(before.node, after.node),
    client: changeBetween(before.client, after.client),
    violations
  }
}

function windowOf(work: { from: number; until: number }, windowMs: number): Window | undefined {
  const now = performance.now()
  if (now < work.from || now > work.until) return undefined
  if (now < work.from + windowMs) return 'early'
  return now > work.until - windowMs ? 'late' : undefined
}

type Heaps = Readonly<Record<'node' | 'client', HeapTrend>>

function heapsOf(atWork: readonly Readings[], windowMs: number): Heaps {
  const trend = (of: 'node' | 'client'): HeapTrend =>
    heapTrend(
      atWork.map(one => ({ atMs: one.atMs, heapBytes: one[of].heapBytes })),
      windowMs
    )
  return { node: trend('node'), client: trend('client') }
}

/** What one life of the node left behind. */
function kept(before: Readings, after: Readings, heaps: Heaps): string[] {
  return [
    ...leaks('node', before.node, after.node, heaps.node),
    ...leaks('client', before.client, after.client, heaps.client)
  ]
}

/** What is open after the last restart, or more than before it. */
function atEnd(after: Readings, restarted: Readings): string[] {
  const { node, client } = restarted
  return [
    ...[after.node, node].flatMap(one =>
      isAtRest(one) ? [] : [`the node still has open: ${JSON.stringify(one.open)}`]
    ),
    ...(node.ready ? [] : ['the node is not ready']),
    ...moreFiles('node, restarted', after.node, node),
    ...moreFiles('client, after a restart', after.client, client),
    ...node.strays.map(stray => `node, restarted: ${stray}`)
  ]
}

/** What was in use at rest, before and after. */
function changeBetween(before: ProcessReading, after: ProcessReading) {
  const of = (name: 'rssBytes' | 'heapBytes' | 'externalBytes' | 'fds') => [before[name], after[name]]
  return {
    rssBytes: of('rssBytes'),
    heapBytes: of('heapBytes'),
    externalBytes: of('externalBytes'),
    fds: of('fds')
  }
}

async function each(ms: number, signal: AbortSignal, report: () => Promise<void>): Promise<void> {
  for (;;) {
    await sleep(ms, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    await report()
  }
}
