import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { omnigate } from '../our-node.ts'
import { checkHistory } from './check-history.ts'
import type { Violation } from './check-history.ts'
import { CrashNode } from './crash-node.ts'
import { clockMs } from './history.ts'
import type { Seen } from './history.ts'
import type { KillOptions, Verdict } from './kills.ts'
import { Load } from './load.ts'
import type { Random } from './load.ts'
import { KnownBatches, namedByFsck, namedInLog, unnamed } from './named-batches.ts'
import type { Stretch } from './named-batches.ts'

const LIVES = 4
const LIFE_MS = 700
const MOST_BITS = 8

export interface DamageOptions extends Omit<KillOptions, 'kills'> {
  readonly damages: number
}

/**
 * Flips bits in the files of a killed node's store, or cuts one off, and starts a node on it. That may have lost what was
 * there, or not start at all: but it says so, and what is lost without other damage is in batches that are named.
 */
export async function damageStores({ damages, random, env = {}, told }: DamageOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-damages-'))
  try {
    const data = join(folder, 'data')
    const load = new Load(random)
    const batches = new KnownBatches()
    for (let life = 0; life < LIVES; life++) {
      await live(load, data, env)
      await batches.read(join(data, 'store'))
    }
    const violations: Violation[] = []
    for (let i = 0; i < damages; i++) {
      const copy = join(folder, `damage-${i}`)
      await cp(data, copy, { recursive: true, filter: path => !path.endsWith('.sock') })
      const what = await damage(join(copy, 'store'), random)
      const found = await judged(new Load(random, load.history), copy, env, batches)
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

/** Damage of which nobody knows what it took. LevelDB ends the process where it finds its own files impossible. */
const DAMAGED = /MailboxRowCorrupt|LEVEL_CORRUPTION|is damaged|cannot be read|leveldb.*Assertion/

interface Judged {
  readonly says: string
  readonly silent: readonly Violation[]
}

/** What is wrong although neither the node nor fsck has said so: of what is lost, they name each batch or tell damage. */
async function judged(
  load: Load,
  data: string,
  env: Readonly<Record<string, string>>,
  batches: KnownBatches
): Promise<Judged> {
  let node: CrashNode
  try {
    node = await CrashNode.start(data, env, load.search)
  } catch (error) {
    return await unstarted(load, data, (error as Error).message)
  }
  await using running = node
  try {
    await load.drain(running)
  } catch (error) {
    const isTold = DAMAGED.test(running.log) || namedInLog(running.log).length > 0
    const code = String((error as { code?: unknown }).code)
    return {
      says: `answers ${code}, ${isTold ? 'told' : 'nothing told'}`,
      silent: isTold ? [] : [{ rule: 'lost', detail: `only ${code}: ${running.log}` }]
    }
  }
  const wrong = checkHistory(load.history)
  if (wrong.length === 0) return { says: 'nothing wrong', silent: [] }
  if (DAMAGED.test(running.log)) return { says: `${wrong.length} wrong, damage told`, silent: [] }
  const named = namedInLog(running.log)
  const unsaid = notTold(wrong, batches, named)
  if (unsaid.length === 0) return { says: `${wrong.length} wrong, batches named`, silent: [] }
  // What a block of an older file held is not read when the store is opened: then fsck must find it.
  await running.kill()
  const { code, report } = await fsck(data)
  const { missing, hasDamage } = report === undefined ? NOTHING : namedByFsck(report)
  const silent = hasDamage ? [] : notTold(wrong, batches, [...named, ...missing])
  return { says: `${wrong.length} wrong, fsck ends with ${code}`, silent }
}

const NOTHING = { missing: [], hasDamage: false }

/** A removal that is gone is in no batch that could be known: with any batch named, what came back is told. */
function notTold(
  wrong: readonly Violation[],
  batches: KnownBatches,
  named: readonly Stretch[]
): readonly Violation[] {
  const lost = wrong.flatMap(({ id }) => id ?? [])
  const missed = new Set(unnamed(lost, batches, named))
  return wrong.filter(({ id }) => (id === undefined ? named.length === 0 : missed.has(id)))
}

/** A node that does not start says why; fsck then tells damage, or nothing that was acknowledged is missing in an export. */
async function unstarted(load: Load, data: string, says: string): Promise<Judged> {
  if (!DAMAGED.test(says))
    return { says: 'does not start', silent: [{ rule: 'lost', detail: `no clear word: ${says}` }] }
  const { code, told } = await fsck(data)
  if (code !== 0) {
    const silent: readonly Violation[] =
      DAMAGED.test(told) || code === 1 ? [] : [{ rule: 'lost', detail: told }]
    return { says: `does not start, fsck ends with ${code}`, silent }
  }
  const file = `${data}.ndjson`
  await omnigate(['mailbox', 'export', file, '--data', data])
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  await rm(file)
  const there = lines.flatMap((line): Seen[] => {
    const { id } = JSON.parse(line) as { readonly id?: string }
    return id === undefined ? [] : [{ is: 'dead', id, answered: clockMs() }]
  })
  const history: Seen[] = [...load.history, { is: 'drain', asked: clockMs() }, ...there]
  const silent = checkHistory(history).filter(({ rule }) => rule === 'lost')
  return { says: 'does not start, and its mailbox is whole', silent }
}

/** `report` where it got as far as one; `told` is all that it wrote. */
async function fsck(data: string) {
  const { code, stdout, stderr } = await omnigate(['mailbox', 'fsck', '--data', data, '--json'])
  const told = [...stdout, stderr].join('\n')
  return { code, told, report: stdout.find(line => line.includes('"problems"')) }
}
