import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HelperProcess } from '../redteam/loads/helper-process.ts'
import type { Found, HubFacts, HubFigures } from './hub-process.ts'
import { dialledBy, pairs } from './ring.ts'
import type { Ring } from './ring.ts'
import { spreadOf, spreadText } from './spread.ts'

export interface HubsSize extends Ring {
  readonly rootsEach: number
  readonly lookups: number
  /** Hubs that are killed, and come back. */
  readonly killed: number
  /** Milliseconds that the slowest look-up may take beyond the deadline of its search: much where the machine is busy. */
  readonly lateMs: number
}

const SCRIPT = new URL('./hub-process.ts', import.meta.url)
const AT_ONCE = 4
/** A search of `providers` ends after so long. */
const SEARCH_MS = 5000
const LOOK_MS = 500
/** Of look-ups whose provider is two links away and there. */
const FOUND_LEAST = 0.99

class HubProcess {
  readonly data: string
  #process: HelperProcess | undefined
  facts: HubFacts = { hub: '', peer: '', address: '' }
  cids: readonly string[] = []

  constructor(data: string) {
    this.data = data
  }

  async start(): Promise<void> {
    const port = /\/tcp\/(\d+)/.exec(this.facts.address)?.[1] ?? '0'
    this.#process = new HelperProcess(SCRIPT, [this.data, port])
    this.facts = await this.ask<HubFacts>('who')
  }

  async ask<T>(what: string, args: object = {}): Promise<T> {
    if (this.#process === undefined) throw new Error('the hub is not running')
    return this.#process.ask<T>(what, args)
  }

  figures(): Promise<HubFigures> {
    return this.ask<HubFigures>('figures')
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]()
    this.#process = undefined
  }
}

/**
 * Whole hubs, each in a process of its own and linked in a ring: every one announces public blobs at its own pace, then
 * hubs two links away look for them; some are killed, and come back. Yields whether what can be found was found.
 */
export async function hubsInProcesses(size: HubsSize): Promise<boolean> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-dht-'))
  const hubs = Array.from({ length: size.members }, (_, n) => new HubProcess(join(top, String(n))))
  try {
    for (const hub of hubs) await hub.start()
    await linkAll(hubs, size)
    const announced = await announceAll(hubs, size)
    const whole = await lookups(hubs, size, 'look-ups')
    const churned = await churn(hubs, size)
    return announced && whole && churned
  } finally {
    for (const hub of hubs) await hub.kill()
    await rm(top, { recursive: true, force: true })
  }
}

async function linkAll(hubs: readonly HubProcess[], ring: Ring): Promise<void> {
  const since = performance.now()
  // Who is dialled allows the other before: a refusal would be tried again much later.
  for (const [n, hub] of hubs.entries())
    await hub.ask(
      'allow',
      hubs.filter((_, at) => dialledBy(ring, at).includes(n)).map(({ facts }) => ({ hub: facts.hub }))
    )
  for (const [n, hub] of hubs.entries())
    await hub.ask(
      'allow',
      dialledBy(ring, n).map(at => ({ hub: hubs[at]!.facts.hub, address: hubs[at]!.facts.address }))
    )
  await until(hubs, ({ links, dhtPeers }) => links >= 2 * ring.reach && dhtPeers >= 2 * ring.reach, 120_000)
  console.log(
    `${hubs.length} hubs in processes, ${2 * ring.reach} links each: up after ${seconds(since)} s, memory ${await memory(hubs)}`
  )
}

async function announceAll(hubs: readonly HubProcess[], { rootsEach }: HubsSize): Promise<boolean> {
  const put = async (hub: HubProcess): Promise<void> => {
    hub.cids = await hub.ask<string[]>('put', { count: rootsEach })
  }
  await Promise.all(hubs.map(put))
  const since = performance.now()
  const before = await cpu(hubs)
  // One a second each, and as long again.
  await until(hubs, ({ announced }) => announced >= rootsEach, 2000 * rootsEach + 60_000)
  const all = await Promise.all(hubs.map(hub => hub.figures()))
  const count = all.reduce((sum, { announced }) => sum + announced, 0)
  const failed = all.reduce((sum, one) => sum + one.failed, 0)
  const cpuMs = (1000 * ((await cpu(hubs)) - before)) / count
  console.log(
    `${count} roots announced in ${seconds(since)} s, ${failed} tries failed, ${cpuMs.toFixed(0)} ms of CPU of all hubs each`
  )
  return count >= rootsEach * hubs.length
}

async function lookups(
  hubs: readonly HubProcess[],
  size: HubsSize,
  what: string,
  isFit?: (n: number) => boolean
): Promise<boolean> {
  const wanted = pairs(size, size.lookups, isFit).values()
  const found: Found[] = []
  let right = 0
  const before = await cpu(hubs)
  const worker = async (): Promise<void> => {
    for (const [from, by] of wanted) {
      const { cids, facts } = hubs[from]!
      const one = await hubs[by]!.ask<Found>('find', { cid: cids[found.length % cids.length]! })
      if (one.peer === facts.peer && one.via === 'dht') right++
      found.push(one)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const spread = spreadOf(found.map(({ ms }) => ms))
  const cpuMs = (1000 * ((await cpu(hubs)) - before)) / found.length
  console.log(
    `${what}: ${right} of ${found.length} found by the DHT, ${spreadText(spread)}, ${cpuMs.toFixed(0)} ms of CPU of all hubs each`
  )
  return right >= FOUND_LEAST * found.length && spread.most < SEARCH_MS + size.lateMs
}

/** Hubs that are not next to each other are killed: what others have is found, what they had is not named. */
async function churn(hubs: readonly HubProcess[], size: HubsSize): Promise<boolean> {
  const every = Math.floor(size.members / size.killed)
  const isDead = (n: number): boolean => n % every === 0 && n / every < size.killed
  const dead = hubs.filter((_, n) => isDead(n))
  const alive = hubs.filter((_, n) => !isDead(n))
  for (const hub of dead) await hub.kill()
  const places = hubs.map((_, n) => n).filter(n => !isDead(n))
  const linksLeft = places.map(n => places.filter(m => isLinked(size, n, m)).length)
  await until(alive, ({ links }, at) => links <= linksLeft[at]!, 60_000)
  const during = await lookups(hubs, size, `${dead.length} killed`, n => !isDead(n))
  const seeker = alive[0]!
  const gone = await Promise.all(dead.map(({ cids }) => seeker.ask<Found>('find', { cid: cids[0]! })))
  const named = gone.filter(({ peer }) => peer !== undefined).length
  const since = performance.now()
  for (const hub of dead) await hub.start()
  await until(hubs, ({ links, dhtPeers }) => links >= 2 * size.reach && dhtPeers >= 2 * size.reach, 180_000)
  const again = (await Promise.all(dead.map(hub => hub.figures()))).reduce(
    (sum, one) => sum + one.announced,
    0
  )
  console.log(
    `${named} of ${gone.length} killed ones were still named; back and linked after ${seconds(since)} s, ${again} of their ${dead.length * size.rootsEach} roots announced again`
  )
  const after = await lookups(hubs, size, 'all back')
  return during && named === 0 && again <= dead.length && after
}

const isLinked = (ring: Ring, a: number, b: number): boolean =>
  dialledBy(ring, a).includes(b) || dialledBy(ring, b).includes(a)

async function until(
  hubs: readonly HubProcess[],
  isSo: (figures: HubFigures, at: number) => boolean,
  withinMs: number
): Promise<void> {
  const end = performance.now() + withinMs
  for (;;) {
    const all = await Promise.all(hubs.map(hub => hub.figures()))
    const waiting = all.filter((one, at) => !isSo(one, at))
    if (waiting.length === 0) return
    if (performance.now() > end)
      throw new Error(`${waiting.length} hubs are late: ${JSON.stringify(waiting[0])}`)
    await sleep(LOOK_MS)
  }
}

async function cpu(hubs: readonly HubProcess[]): Promise<number> {
  const each = await Promise.all(hubs.map(hub => hub.figures().catch(() => undefined)))
  return each.reduce((sum, one) => sum + (one?.cpuSeconds ?? 0), 0)
}

async function memory(hubs: readonly HubProcess[]): Promise<string> {
  const each = (await Promise.all(hubs.map(hub => hub.figures()))).map(({ rssBytes }) => rssBytes / 1e6)
  return `${Math.min(...each).toFixed(0)} to ${Math.max(...each).toFixed(0)} MB each`
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1)
