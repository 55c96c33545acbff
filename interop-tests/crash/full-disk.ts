import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory } from './check-history.ts'
import { CrashNode } from './crash-node.ts'
import { diskShim, recorded } from './disk-shim.ts'
import type { KillOptions, Verdict } from './kills.ts'
import { Load } from './load.ts'

export interface FullDiskOptions extends Omit<KillOptions, 'kills'> {
  /** What the node may write before its disk is full. */
  readonly room: number
  readonly workMs: number
}

/** A node under load whose disk gets full, then one with room again; and how many sends went unanswered or refused. */
export async function fillDisk({
  room,
  workMs,
  random
}: FullDiskOptions): Promise<Verdict & { readonly failed: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-full-'))
  try {
    const data = join(folder, 'data')
    const load = new Load(random)
    // What init writes is not the load's.
    await (await CrashNode.start(data)).stop()
    const env = recorded(await diskShim(), { root: data, trace: join(folder, 'trace'), room })
    {
      await using node = await CrashNode.start(data, env)
      const killed = sleep(workMs).then(() => node.kill())
      await load.run(node.address, killed)
      await killed
    }
    await using node = await CrashNode.start(data)
    await load.drain(node.address)
    const failed = load.history.filter(seen => seen.is === 'send' && seen.id === undefined).length
    return { crashes: 1, sends: load.sends, violations: checkHistory(load.history), failed }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
