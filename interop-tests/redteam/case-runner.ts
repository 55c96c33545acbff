import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker } from './attacker.ts'
import type { HostileCase, Scene, TargetName } from './hostile-case.ts'
import { msUntilServed, warmUp } from './honest.ts'
import { OwnHub } from './own-hub.ts'
import { KNOWN_NETWORK } from './target-messages.ts'
import { Target } from './target.ts'
import { printTable } from './table.ts'

const MB = 1e6
/** Over idle once the attackers have left and garbage is collected. */
const KEPT_MOST_BYTES = 64 * 1_048_576
/** Over idle at any time: what is kept then, the room that V8 takes for young objects, and garbage that grew old. */
const PEAK_MOST_BYTES = 64 * 1_048_576
/** What cases before may have left uncollected when one begins: its peak is to tell of this case. */
const LEFT_BEFORE_MOST_BYTES = 16 * 1_048_576
/** Until an honest peer is served beside an attack. A short run may share its machine: it judges that one is served. */
const SERVED_MS_MOST = { full: 1000, short: 30_000 } as const
const EMPTY_MS = 60_000
const HONEST = '127.250.0.1'
/** Of a known network: a stranger would meet its bounds. */
const WARM = `${KNOWN_NETWORK}1`

/** Time-outs as an operator gets them, and such that a short run can wait for. */
const TIMEOUTS = {
  full: { firstFrameMs: 5000, frameMs: 15_000, idleMs: 60_000, graceMs: 10_000 },
  short: { firstFrameMs: 2000, frameMs: 2500, idleMs: 4000, graceMs: 6000 }
} as const

interface Result {
  readonly name: string
  readonly expected: string
  readonly received: string
  readonly servedMs: number
  /** Resident bytes over idle: the most that was seen, and what is left once all have gone. */
  readonly peakBytes: number
  readonly keptBytes: number
  readonly faults: readonly string[]
  readonly seconds: number
}

/** Runs the cases one after the other, prints a line for each and the table at the end. True when all pass. */
export async function runCases(cases: readonly HostileCase[], full: boolean): Promise<boolean> {
  const timeouts = full ? TIMEOUTS.full : TIMEOUTS.short
  const passes = judgedBy(full ? SERVED_MS_MOST.full : SERVED_MS_MOST.short)
  const hubs = {
    relinking: new OwnHub(),
    revoked: new OwnHub(),
    sharing: new OwnHub(),
    stalling: new OwnHub()
  }
  const config = {
    'http.enabled': false,
    'federation.peers': Object.values(hubs).map(({ id }) => ({ hub: id, treaty: { verbs: ['echo:call'] } })),
    'limits.firstFrameTimeoutMs': timeouts.firstFrameMs,
    'limits.frameTimeoutMs': timeouts.frameMs,
    'limits.idleTimeoutMs': timeouts.idleMs,
    'strangers.graceMs': timeouts.graceMs
  }
  await using strict = await Victim.start(config)
  await using open = await Victim.start({ ...config, 'strangers.loopbackIsKnown': true })
  const victims: Readonly<Record<TargetName, Victim>> = { strict, open }
  const results: Result[] = []
  const chosen = cases.filter(({ isLong }) => full || isLong !== true)
  for (const [i, one] of chosen.entries()) {
    const result = await victims[one.on].suffer(one, i, { timeouts, full, hubs })
    results.push(result)
    const cost = `${result.servedMs.toFixed(0)} ms, ${megabytes(result.peakBytes)} MB, then ${megabytes(result.keptBytes)} MB, ${result.seconds.toFixed(1)} s`
    console.log(`${passes(result) ? 'pass' : 'FAIL'}  ${one.name}: ${result.received} (${cost})`)
    for (const fault of result.faults) console.log(`      ${fault}`)
    if (!victims[one.on].isAlive) throw new Error(`${one.name}: the node's process ended`)
  }
  printTable(
    ['case', 'expected', 'received', 'honest ms', 'peak MB', 'kept MB', 'pass'],
    results.map(r => [
      r.name,
      r.expected,
      r.received,
      r.servedMs.toFixed(0),
      megabytes(r.peakBytes),
      megabytes(r.keptBytes),
      passes(r) ? 'yes' : 'NO'
    ])
  )
  const failed = results.filter(result => !passes(result)).length
  const most = (bytes: (result: Result) => number): string => megabytes(Math.max(...results.map(bytes)))
  console.log(
    `${results.length} cases, ${failed} failed; memory over idle: at most ${most(r => r.peakBytes)} MB, ` +
      `kept at most ${most(r => r.keptBytes)} MB`
  )
  return failed === 0
}

const judgedBy =
  (servedMsMost: number) =>
  ({ expected, received, servedMs, peakBytes, keptBytes, faults }: Result): boolean =>
    received === expected &&
    servedMs < servedMsMost &&
    peakBytes <= PEAK_MOST_BYTES &&
    keptBytes <= KEPT_MOST_BYTES &&
    faults.length === 0

const megabytes = (bytes: number): string => `${bytes >= 0 ? '+' : ''}${(bytes / MB).toFixed(1)}`

/** A node under attack and what it was like before. */
class Victim implements AsyncDisposable {
  readonly #target: Target
  readonly #idleBytes: number

  private constructor(target: Target, idleBytes: number) {
    this.#target = target
    this.#idleBytes = idleBytes
  }

  static async start(config: Readonly<Record<string, unknown>>): Promise<Victim> {
    const target = await Target.start(config)
    await warmUp(target.address, WARM)
    await until(async () => (await target.status())['connections'] === 0, EMPTY_MS)
    return new Victim(target, await target.settledBytes())
  }

  get isAlive(): boolean {
    return this.#target.isAlive
  }

  async suffer(
    one: HostileCase,
    index: number,
    { timeouts, full, hubs }: Pick<Scene, 'timeouts' | 'hubs'> & { full: boolean }
  ): Promise<Result> {
    const target = this.#target
    await this.#forget()
    const since = performance.now()
    target.peakBytes = 0
    const watch = setInterval(() => target.isAlive && target.rssBytes(), 100)
    await using attacker = await Attacker.create(target.address)
    const from = (n = 0): string =>
      `127.${10 + Math.floor(index / 50)}.${(index % 50) * 5 + Math.floor(n / 200)}.${1 + (n % 200)}`
    const count = (short: number, most: number): number => (full ? most : short)
    const received = await one
      .run({ target, attacker, from, timeouts, count, hubs })
      .catch((error: Error) => `error: ${error.message}`)
    const unserved: string[] = []
    const servedMs = await msUntilServed(target.address, HONEST).catch((error: Error) => {
      unserved.push(`an honest peer is not served: ${error.message}`)
      return Infinity
    })
    attacker.leave()
    const leftovers = await this.#leftovers()
    const keptBytes = (await this.#restingBytes()) - this.#idleBytes
    clearInterval(watch)
    const peakBytes = target.peakBytes - this.#idleBytes
    const { name, expected } = one
    const seconds = (performance.now() - since) / 1000
    const faults = [...unserved, ...target.takeFaults(), ...leftovers]
    return { name, expected, received, servedMs, peakBytes, keptBytes, faults, seconds }
  }

  /** Has the garbage of the cases before collected where it is much. */
  async #forget(): Promise<void> {
    if (this.#target.rssBytes() > this.#idleBytes + LEFT_BEFORE_MOST_BYTES) await this.#target.memory()
  }

  /** Resident bytes; garbage is collected only where they are too many with it. */
  async #restingBytes(): Promise<number> {
    const most = this.#idleBytes + KEPT_MOST_BYTES
    const bytes = this.#target.rssBytes()
    return bytes <= most ? bytes : await this.#target.settledBytes(most)
  }

  /** What is not back at nothing when all peers have left. */
  async #leftovers(): Promise<string[]> {
    const counts = [
      'connections',
      'strangers',
      'strangers_waiting',
      'sessions',
      'calls',
      'inbound_held_bytes'
    ]
    const left = async () => {
      const status = await this.#target.status()
      return counts
        .filter(name => status[name] !== 0)
        .map(name => `${name} is still ${JSON.stringify(status[name])}`)
    }
    await until(async () => (await left()).length === 0, EMPTY_MS)
    return await left()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]()
  }
}

async function until(isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  const late = performance.now() + withinMs
  while (!(await isSo()) && performance.now() < late) await sleep(20)
}
