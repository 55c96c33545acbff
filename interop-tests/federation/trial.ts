import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dice, draw } from '../faults/random.ts'
import { omnigate } from '../our-node.ts'
import { Island } from './island.ts'
import { Strait, TOPIC } from './straits.ts'

export interface TrialSize {
  readonly hubs: number
  /** How often what lies between the hubs is drawn anew; at least one. */
  readonly phases: number
  readonly phaseMs: number
  readonly sendsEach: number
  /** Whether a hub is killed and comes back, in about every third phase. */
  readonly kills: boolean
  /** Milliseconds that the hubs have to agree once all is healed. */
  readonly agreeMs: number
}

export interface TrialResult {
  readonly sent: number
  readonly kills: number
  /** Milliseconds from the last healing until every hub had all. */
  readonly agreedMs: number
  /** What must not be; empty for a trial that held. */
  readonly violations: readonly string[]
}

const LOOK_MS = 200

/**
 * Hubs in processes that share a topic, with harm between each two: sends go on at all of them, then everything heals.
 * What one of them accepted, every one has then, once, and each audit log verifies.
 */
export async function runTrial(
  size: TrialSize,
  seed: number,
  tell: (line: string) => void
): Promise<TrialResult> {
  await using stack = new AsyncDisposableStack()
  const islands: Island[] = []
  for (let n = 0; n < size.hubs; n++) islands.push(stack.use(await Island.start(`hub${n}`)))
  const straits: Strait[] = []
  for (const [n, from] of islands.entries())
    for (const to of islands.slice(n + 1))
      straits.push(stack.use(await Strait.open(from, to, Math.floor(draw(seed, straits.length) * 2 ** 31))))
  await linked(straits)
  const kills = await phases(size, seed, islands, straits, tell)
  for (const strait of straits) strait.heal()
  const agreedMs = await agreement(islands, size.agreeMs)
  const sent = islands.reduce((sum, { accepted }) => sum + accepted.length, 0)
  return {
    sent,
    kills,
    agreedMs,
    violations: [...missing(islands), ...doubled(islands), ...(await unverified(islands))]
  }
}

async function linked(straits: readonly Strait[]): Promise<void> {
  for (const { ends } of straits) await ends[0].hub.link(ends[1].hub, 'up')
}

async function phases(
  size: TrialSize,
  seed: number,
  islands: readonly Island[],
  straits: readonly Strait[],
  tell: (line: string) => void
): Promise<number> {
  let kills = 0
  for (let phase = 0; phase < size.phases; phase++) {
    const dice = new Dice(Math.floor(draw(seed, phase, 1) * 2 ** 31))
    const fates = straits.map(strait => strait.befall(dice.between(0, 2 ** 31)))
    const dies = size.kills && dice.oneIn(3) ? islands[dice.between(0, islands.length)] : undefined
    const end = performance.now() + size.phaseMs
    await Promise.all(islands.map(island => island.send(TOPIC, size.sendsEach)))
    if (dies !== undefined) {
      await dies.killed()
      kills++
    }
    for (const island of islands) await island.take(TOPIC)
    tell(`phase ${phase + 1}: ${fates.join(', ')}${dies === undefined ? '' : `; ${dies.name} was killed`}`)
    await sleep(Math.max(0, end - performance.now()))
  }
  return kills
}

async function agreement(islands: readonly Island[], withinMs: number): Promise<number> {
  const since = performance.now()
  for (;;) {
    for (const island of islands) await island.take(TOPIC)
    const ms = performance.now() - since
    if (missing(islands).length === 0 || ms > withinMs) return ms
    await sleep(LOOK_MS)
  }
}

function missing(islands: readonly Island[]): string[] {
  const all = islands.flatMap(({ accepted }) => accepted)
  return islands.flatMap(({ name, taken }) => {
    const has = new Set(taken.map(({ body }) => body))
    const lacks = all.filter(body => !has.has(body))
    return lacks.length === 0
      ? []
      : [`${name} has not ${lacks.length} of ${all.length} messages, ${lacks[0]} among them`]
  })
}

function doubled(islands: readonly Island[]): string[] {
  return islands.flatMap(({ name, taken }) => {
    const twice = taken.length - new Set(taken.map(({ body }) => body)).size
    return twice === 0 ? [] : [`${name} had ${twice} messages more than once`]
  })
}

async function unverified(islands: readonly Island[]): Promise<string[]> {
  const wrong: string[] = []
  for (const { name, hub } of islands) {
    const log = join(dirname(hub.data), 'log.ndjson')
    await omnigate(['audit', 'export', '--data', hub.data, '-o', log])
    const key = join(hub.data, 'keys', 'hub.pub')
    const { code, stderr } = await omnigate(['audit', 'verify', log, '--key', key])
    if (code !== 0) wrong.push(`the audit log of ${name} does not verify: ${stderr}`)
  }
  return wrong
}
