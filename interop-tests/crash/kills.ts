import { rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory } from './check-history.ts'
import type { CanarySearch } from './canary.ts'
import type { Violation } from './check-history.ts'
import { CrashNode } from './crash-node.ts'
import { Load } from './load.ts'
import type { Random } from './load.ts'

const LONGEST_LIFE_MS = 800

export interface Verdict {
  readonly crashes: number
  readonly sends: number
  readonly violations: readonly Violation[]
  /** What was searched for sealed bodies. */
  readonly search?: CanarySearch
  /** Sealed messages that became dead letters. */
  readonly sealedDead?: number
}

export interface KillOptions {
  readonly kills: number
  readonly random: Random
  /** For a node that is broken on purpose. */
  readonly env?: Readonly<Record<string, string>>
  readonly told?: (text: string) => void
}

/** `kill -9` of a node under load, again and again, each time at a random moment after it began to serve. */
export async function killAtRandom({ kills, random, env = {}, told }: KillOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-kills-'))
  try {
    const data = join(folder, 'data')
    const load = new Load(random)
    for (let kill = 0; kill < kills; kill++) {
      await using node = await CrashNode.start(data, env, load.search)
      const killed = sleep(random() * LONGEST_LIFE_MS).then(() => node.kill())
      await load.run(node, killed)
      await killed
      told?.(`${kill + 1} of ${kills} kills, ${load.sends} sends`)
    }
    await using node = await CrashNode.start(data, env, load.search)
    await load.drain(node)
    await load.search.readFolder(data)
    const violations = [...checkHistory(load.history), ...load.search.violations]
    const { sends, sealedDead, search } = load
    return { crashes: kills, sends, violations, search, sealedDead }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
