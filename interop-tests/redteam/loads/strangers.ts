import { setTimeout as sleep } from 'node:timers/promises'
import { warmUp } from '../honest.ts'
import { printTable } from '../table.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { Target } from '../target.ts'
import { HelperProcess } from './helper-process.ts'
import type { Latency } from './honest-process.ts'
import { boundsMet, strangersProblems } from './strangers-judge.ts'
import type { Held, Pressed } from './strangers-judge.ts'

const MB = 1e6
const P99_RATIO_MOST = 2
const SETTLE_MS = 3000
const ROUNDS = 3
const LOOK_EVERY_MS = 250
const SIZES = { full: { strangers: 500, seconds: 10 }, short: { strangers: 100, seconds: 3 } } as const

interface Round {
  readonly attacked: Latency
  readonly spared: Latency
}

/**
 * Strangers who take all they can get, while 10 known clients work. The same clients work with a second node on the same
 * machine, which nobody attacks: what it answers in the same seconds is the quiet value, so that neither the strangers'
 * own need of processors nor anything else that runs here counts as the node's. The share of strangers is raised so that
 * each can hold a connection; with the default they would be refused beyond 250.
 */
export async function strangers(full: boolean): Promise<boolean> {
  const { strangers: many, seconds } = full ? SIZES.full : SIZES.short
  const config = { 'http.enabled': false, 'transport.maxConnections': many * 4 + 200 }
  await using target = await Target.start(config)
  await using spared = await Target.start(config)
  await warmUp(target.address, `${KNOWN_NETWORK}1`)
  await warmUp(spared.address, `${KNOWN_NETWORK}1`)
  const idle = await target.settledBytes()
  await using clients = knownClients(target)
  await using sparedClients = knownClients(spared)
  const round = async (): Promise<Round> => {
    const both = [clients, sparedClients].map(of => of.ask<Latency>('measure', { seconds }))
    const [attacked, other] = (await Promise.all(both)) as [Latency, Latency]
    return { attacked, spared: other }
  }
  await round()
  const before = await round()
  await using attack = new HelperProcess(new URL('./strangers-process.ts', import.meta.url), [target.address])
  const connected = await attack.ask<number>('attack', { strangers: many })
  await sleep(SETTLE_MS)
  const watch = setInterval(() => target.rssBytes(), 200)
  const held = new MostHeld(target)
  await target.turns()
  const cpuBefore = target.cpuSeconds()
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round())
  const cpu = (target.cpuSeconds() - cpuBefore) / (seconds * ROUNDS)
  clearInterval(watch)
  const most = await held.end()
  const turns = await target.turns()
  const status = await target.status()
  const kept = await target.memory()
  const pressed = await attack.ask<Pressed>('tell')
  await attack[Symbol.asyncDispose]()
  await sleep(SETTLE_MS)
  const after = await target.settledBytes(idle)
  const left = await target.memory()

  printTable(
    ['10 known clients', 'calls', 'failed', 'p50 ms', 'p99 ms', 'spared node: p50 ms', 'p99 ms', 'p99 ratio'],
    [row('before the attack', before), ...rounds.map((one, i) => row(`attacked, round ${i + 1}`, one))]
  )
  console.log(
    `${connected} strangers connected at first and ${pressed.mostAtOnce} at most, in ${pressed.attempts} attempts; ` +
      `${pressed.streamsOpened} streams opened; sessions ${JSON.stringify(status['sessions'])}, calls ${JSON.stringify(status['calls'])}, ` +
      `held ${JSON.stringify(status['inbound_held_bytes'])} bytes`
  )
  console.log(`bounds that strangers met: ${boundsMet(pressed).join(', ') || 'none'}`)
  console.log(
    `the node held at most ${(most.heldBytes / MB).toFixed(1)} MB of what came in, of ${most.strangers} strangers`
  )
  console.log(
    `attacked, the node used ${(cpu * 100).toFixed(0)} % of a processor; ` +
      `its turns: p99 ${turns.p99Ms.toFixed(1)} ms, longest ${turns.mostMs.toFixed(0)} ms`
  )
  const over = (bytes: number): string => `+${((bytes - idle) / MB).toFixed(0)} MB`
  console.log(
    `memory: idle ${(idle / MB).toFixed(0)} MB, most under attack ${over(target.peakBytes)}, ` +
      `without garbage ${over(kept.rss)} (${split(kept)}), after ${over(after)} (${split(left)})`
  )
  const faults = target.takeFaults()
  for (const fault of faults) console.log(fault)
  const ratio = median(rounds.map(ratioOf))
  const failed = [before, ...rounds].reduce((sum, one) => sum + one.attacked.failed, 0)
  const problems = strangersProblems(many, pressed, most)
  for (const problem of problems) console.log(problem)
  const passes = ratio <= P99_RATIO_MOST && failed === 0 && faults.length === 0 && problems.length === 0
  console.log(
    `p99 ratio ${ratio.toFixed(2)}, the median of ${ROUNDS} rounds, at most ${P99_RATIO_MOST}; ${failed} calls failed: ` +
      (passes ? 'pass' : 'FAIL')
  )
  return passes
}

/** Asks a node again and again what it holds, and keeps the most. */
class MostHeld {
  readonly #over = new AbortController()
  readonly #asked: Promise<Held>

  constructor(target: Target) {
    this.#asked = this.#ask(target)
  }

  end(): Promise<Held> {
    this.#over.abort()
    return this.#asked
  }

  async #ask(target: Target): Promise<Held> {
    let most: Held = { heldBytes: 0, strangers: 0 }
    do {
      const status = await target.status()
      most = {
        heldBytes: Math.max(most.heldBytes, Number(status['inbound_held_bytes'])),
        strangers: Math.max(most.strangers, Number(status['strangers']))
      }
      await sleep(LOOK_EVERY_MS)
    } while (!this.#over.signal.aborted)
    return most
  }
}

const knownClients = (of: Target): HelperProcess =>
  new HelperProcess(new URL('./honest-process.ts', import.meta.url), [of.address])

const ratioOf = ({ attacked, spared }: Round): number => attacked.p99Ms / spared.p99Ms

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

function row(name: string, round: Round): string[] {
  const { attacked, spared } = round
  const figures = [attacked.p50Ms, attacked.p99Ms, spared.p50Ms, spared.p99Ms, ratioOf(round)]
  return [name, String(attacked.calls), String(attacked.failed), ...figures.map(figure => figure.toFixed(2))]
}

const split = ({ heapUsed, arrayBuffers }: NodeJS.MemoryUsage): string =>
  `heap ${(heapUsed / MB).toFixed(0)} MB, buffers ${(arrayBuffers / MB).toFixed(0)} MB`
