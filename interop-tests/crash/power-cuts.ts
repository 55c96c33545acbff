import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory } from './check-history.ts'
import type { Violation } from './check-history.ts'
import { CrashNode } from './crash-node.ts'
import { diskShim, recorded } from './disk-shim.ts'
import { readTrace } from './disk-trace.ts'
import { clockMs, knownBy } from './history.ts'
import type { KillOptions, Verdict } from './kills.ts'
import { Load } from './load.ts'
import { CutDisk } from './power-cut.ts'

export interface CutOptions extends Omit<KillOptions, 'kills'> {
  /** How often the power of one recorded run is cut. */
  readonly cuts: number
  readonly workMs: number
}

/**
 * Records what a node under load does to its disk, and for some moments of it rebuilds what a power cut at that moment may
 * have left. A node on that is asked for all there is, and must know what the first had answered by that moment.
 */
export async function cutPower({ cuts, workMs, random, env = {}, told }: CutOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-cuts-'))
  try {
    const data = join(folder, 'data')
    const trace = join(folder, 'trace')
    const load = new Load(random)
    const shim = recorded(await diskShim(), { root: data, trace })
    const served = await record(load, data, { ...shim, ...env }, workMs)
    const steps = readTrace(trace)
    const first = steps.findIndex(({ atMs }) => atMs >= served)
    const violations: Violation[] = []
    for (let cut = 0; cut < cuts; cut++) {
      const end = first + Math.floor(random() * (steps.length - first))
      const rebuilt = join(folder, `cut-${cut}`)
      new CutDisk(steps, end).write(data, rebuilt, random)
      const after = new Load(random, knownBy(load.history, steps[end]!.atMs))
      violations.push(...(await drained(after, rebuilt)))
      await rm(rebuilt, { recursive: true })
      told?.(`${cut + 1} of ${cuts} cuts, at step ${end} of ${steps.length}`)
    }
    await load.search.readFolder(data)
    violations.push(...load.search.violations)
    return { crashes: cuts, sends: load.sends, violations, search: load.search }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Yields when the node began to serve. */
async function record(
  load: Load,
  data: string,
  env: Readonly<Record<string, string>>,
  workMs: number
): Promise<number> {
  await using node = await CrashNode.start(data, env, load.search)
  const served = clockMs()
  const killed = sleep(workMs).then(() => node.kill())
  await load.run(node, killed)
  await killed
  return served
}

async function drained(load: Load, data: string): Promise<readonly Violation[]> {
  await using node = await CrashNode.start(data, {}, load.search)
  await load.drain(node)
  await load.search.readFolder(data)
  return [...checkHistory(load.history), ...load.search.violations]
}
