import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory } from './check-history.ts'
import type { Rule } from './check-history.ts'
import { CrashNode } from './crash-node.ts'
import { diskShim, recorded } from './disk-shim.ts'
import { clockMs } from './history.ts'
import type { Seen, Send } from './history.ts'
import type { KillOptions, Verdict } from './kills.ts'
import { Load } from './load.ts'

export interface FullDiskOptions extends Omit<KillOptions, 'kills'> {
  /** What the node may write before its disk is full. */
  readonly room: number
  /** How long it stays full, then there is room again for the same node; without it, only for the next. */
  readonly fullMs?: number
  /** So long after its disk was full it is killed, at the latest. */
  readonly workMs: number
}

/** So long a disk may take to get full, on a machine that is slow. */
const FULL_WITHIN_MS = 60_000

/** Few enough that they are still in LevelDB's log, whose end is what a write that failed may have spoilt. */
const ENOUGH_RECOVERED = 500
const LOOK_MS = 20

export interface FullDiskVerdict extends Verdict {
  /** Sends that went unanswered or were refused. */
  readonly failed: number
  /** Sends that the same node took after the first of those. */
  readonly recovered: number
}

/** A node under load whose disk gets full is killed, soon after there is room again if so; the next one has room. */
export async function fillDisk({ room, fullMs, workMs, random }: FullDiskOptions): Promise<FullDiskVerdict> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-full-'))
  try {
    const data = join(folder, 'data')
    const load = new Load(random)
    // What init writes is not the load's.
    await (await CrashNode.start(data)).stop()
    const env = recorded(await diskShim(), { root: data, trace: join(folder, 'trace'), room, fullMs })
    {
      await using node = await CrashNode.start(data, env, load.search)
      const killed = worked(load, workMs).then(() => node.kill())
      await load.run(node, killed)
      await killed
    }
    const seen = sendsAround(load.history)
    await using node = await CrashNode.start(data, {}, load.search)
    await load.drain(node)
    await load.search.readFolder(data)
    const judged = checkHistory(load.history).filter(({ rule }) => fullMs === undefined || isKept(rule))
    const violations = [...judged, ...load.search.violations]
    return { crashes: 1, sends: load.sends, violations, ...seen }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A mailbox that was opened anew knows no lease. */
const isKept = (rule: Rule): boolean => rule !== 'delivered_twice'

/** Resolves `workMs` after the disk was full, or once enough was taken since. */
async function worked(load: Load, workMs: number): Promise<void> {
  let until = clockMs() + FULL_WITHIN_MS
  while (clockMs() < until && sendsAround(load.history).failed === 0) await sleep(LOOK_MS)
  until = clockMs() + workMs
  while (clockMs() < until && sendsAround(load.history).recovered < ENOUGH_RECOVERED) await sleep(LOOK_MS)
}

function sendsAround(history: readonly Seen[]): Pick<FullDiskVerdict, 'failed' | 'recovered'> {
  const sends = history.filter(seen => seen.is === 'send')
  const refused = sends.filter(({ id }) => id === undefined)
  const first = Math.min(...refused.map(({ asked }) => asked))
  const isTaken = ({ id, answered = 0 }: Send): boolean => id !== undefined && answered > first
  return { failed: refused.length, recovered: sends.filter(isTaken).length }
}
