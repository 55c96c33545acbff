import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { omnigate } from '../our-node.ts'
import { checkHistory } from './check-history.ts'
import type { Violation } from './check-history.ts'
import { CrashNode } from './crash-node.ts'
import type { KillOptions, Verdict } from './kills.ts'
import { Load } from './load.ts'
import type { Random } from './load.ts'

const LIVES = 4
const LIFE_MS = 700
const MOST_BITS = 8

export interface DamageOptions extends Omit<KillOptions, 'kills'> {
  readonly damages: number
}

/**
 * Flips bits in the files of a killed node's store, or cuts one off, and starts a node on it. That may have lost what was
 * there, or not start at all: but it says so.
 */
export async function damageStores({ damages, random, env = {}, told }: DamageOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-damages-'))
  try {
    const data = join(folder, 'data')
    const load = new Load(random)
    for (let life = 0; life < LIVES; life++) await live(load, data, env)
    const violations: Violation[] = []
    for (let i = 0; i < damages; i++) {
      const copy = join(folder, `damage-${i}`)
      await cp(data, copy, { recursive: true, filter: path => !path.endsWith('.sock') })
      const what = await damage(join(copy, 'store'), random)
      const found = await judged(new Load(random, load.history), copy, env)
      violations.push(...found.silent.map(({ rule, detail }) => ({ rule, detail: `${what}: ${detail}` })))
      await rm(copy, { recursive: true })
      told?.(`${i + 1} of ${damages} damages, ${what}: ${found.says}`)
    }
    return { crashes: damages, sends: load.sends, violations }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function live(load: Load, data: string, env: Readonly<Record<string, string>>): Promise<void> {
  await using node = await CrashNode.start(data, env, load.search)
  const killed = sleep(LIFE_MS).then(() => node.kill())
  await load.run(node, killed)
  await killed
}

/** Yields what it did. */
async function damage(store: string, random: Random): Promise<string> {
  const names = (await readdir(store)).filter(name => /\.(log|ldb)$|^MANIFEST/.test(name))
  const name = names[Math.floor(random() * names.length)]!
  const bytes = await readFile(join(store, name))
  const at = (): number => Math.floor(random() * bytes.length)
  if (random() < 0.4) {
    const length = at()
    await writeFile(join(store, name), bytes.subarray(0, length))
    return `${name} cut at ${length} of ${bytes.length}`
  }
  const bits = 1 + Math.floor(random() * MOST_BITS)
  const places = Array.from({ length: bits }, at)
  for (const place of places) bytes[place]! ^= 1 << Math.floor(random() * 8)
  await writeFile(join(store, name), bytes)
  return `${name} with ${bits} flipped bits`
}

/** LevelDB ends the process where it finds its own files impossible. */
const TOLD = /MailboxBatchesMissing|MailboxRowCorrupt|LEVEL_CORRUPTION|is damaged|leveldb.*Assertion/

/** What is wrong although the node has said nothing of it. */
async function judged(
  load: Load,
  data: string,
  env: Readonly<Record<string, string>>
): Promise<{ readonly says: string; readonly silent: readonly Violation[] }> {
  let node: CrashNode
  try {
    node = await CrashNode.start(data, env, load.search)
  } catch (error) {
    const says = (error as Error).message
    const isClear = says.includes('damaged')
    return {
      says: 'does not start',
      silent: isClear ? [] : [{ rule: 'lost', detail: `no clear word: ${says}` }]
    }
  }
  await using running = node
  try {
    await load.drain(running)
  } catch (error) {
    const isTold = TOLD.test(running.log)
    const code = String((error as { code?: unknown }).code)
    return {
      says: `answers ${code}, ${isTold ? 'told' : 'nothing told'}`,
      silent: isTold ? [] : [{ rule: 'lost', detail: `only ${code}: ${running.log}` }]
    }
  }
  const wrong = checkHistory(load.history)
  if (TOLD.test(running.log)) return { says: `${wrong.length} wrong, told`, silent: [] }
  // What a block of an older file held is not read when the store is opened: then fsck must find it.
  if (wrong.length === 0) return { says: 'nothing wrong', silent: [] }
  await running.kill()
  const { code } = await omnigate(['mailbox', 'fsck', '--data', data])
  return { says: `${wrong.length} wrong, fsck ends with ${code}`, silent: code === 1 ? [] : wrong }
}
