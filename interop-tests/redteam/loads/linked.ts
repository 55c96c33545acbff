import { setTimeout as sleep } from 'node:timers/promises'
import { printTable } from '../table.ts'
import { HelperProcess } from './helper-process.ts'
import type { Latency } from './honest-process.ts'
import type { LinkedLatency } from './linked-peers-process.ts'
import { PEERS } from './linked-load.ts'

const MB = 1e6
const P99_RATIO_MOST = 2
/** Below that a p99 says more about who got the processor than about the hub. */
const P99_MS_ALWAYS_GOOD = 3
const SETTLE_MS = 3000
const ROUNDS = 3
const SIZES = { full: { strangers: 500, seconds: 10 }, short: { strangers: 100, seconds: 3 } } as const
const WORKS = ['gossip', 'dht'] as const

interface Told {
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly connections: number
  readonly strangers: number
  readonly links: number
  readonly gossipPeers: number
  readonly dhtPeers: number
}

interface Round {
  readonly attacked: LinkedLatency
  readonly spared: LinkedLatency
}

interface Learned {
  readonly streamsOpened: number
  readonly answers: number
  readonly refusals: number
  readonly learned: readonly string[]
}

/**
 * Strangers who ask for gossip and DHT by name, by guess and by asking what there is, while 10 linked peers use both. The
 * same number of peers works with a second hub on the same machine, which nobody attacks: what they wait for in the same
 * seconds is the quiet value. That the strangers learn nothing is judged too. These hubs are the transport alone.
 */
export async function linked(full: boolean): Promise<boolean> {
  const { strangers: many, seconds } = full ? SIZES.full : SIZES.short
  await using hub = await Hub.start(many * 4 + 200)
  await using spared = await Hub.start(many * 4 + 200)
  const both = <T>(ask: (of: Hub) => Promise<T>): Promise<[T, T]> => Promise.all([ask(hub), ask(spared)])
  const round = async (): Promise<Round> => {
    const [attacked, other] = await both(of => of.measure(seconds))
    return { attacked, spared: other }
  }
  await round()
  const before = await round()
  const idle = await both(of => of.tell())
  await using attack = new HelperProcess(new URL('./linked-strangers-process.ts', import.meta.url), [
    hub.address
  ])
  const connected = await attack.ask<number>('attack', { strangers: many })
  await sleep(SETTLE_MS)
  const started = await hub.tell()
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round())
  const [told, other] = await both(of => of.tell())
  const learned = await attack.ask<Learned>('tell')

  printTable(
    ['10 linked peers', 'calls', 'failed', 'p50 ms', 'p99 ms', 'spared hub: p50 ms', 'p99 ms', 'p99 ratio'],
    WORKS.flatMap(work => [
      row(`${work}, before`, work, before),
      ...rounds.map((one, i) => row(`${work}, attacked ${i + 1}`, work, one))
    ])
  )
  const share = (told.cpuSeconds - started.cpuSeconds) / (seconds * ROUNDS)
  console.log(
    `${connected} strangers connected, ${learned.streamsOpened} streams opened, ${learned.answers} answered, ` +
      `${learned.refusals} refusals; the hub used ${(share * 100).toFixed(0)} % of a processor, ` +
      `+${grown(idle[0], told)} MB (the spared one +${grown(idle[1], other)} MB)`
  )
  console.log(`the hub at the end: ${JSON.stringify(told)}`)
  const problems = [
    ...WORKS.flatMap(work => slow(work, rounds)),
    ...leaks(told, learned),
    ...failures([before, ...rounds])
  ]
  for (const problem of problems) console.log(problem)
  console.log(problems.length === 0 ? 'pass' : 'FAIL')
  return problems.length === 0
}

/** A hub with its linked peers, each in a process of its own. */
class Hub implements AsyncDisposable {
  readonly #hub: HelperProcess
  readonly #peers: HelperProcess
  readonly address: string

  private constructor(hub: HelperProcess, peers: HelperProcess, address: string) {
    this.#hub = hub
    this.#peers = peers
    this.address = address
  }

  static async start(maxConnections: number): Promise<Hub> {
    const hub = new HelperProcess(new URL('./linked-target-process.ts', import.meta.url), [
      String(maxConnections)
    ])
    const peers = new HelperProcess(new URL('./linked-peers-process.ts', import.meta.url), [])
    const target = await hub.ask<string>('address')
    await hub.ask('expect', { peers: await peers.ask<string[]>('ids') })
    await peers.ask('join', { target })
    return new Hub(hub, peers, target)
  }

  measure(seconds: number): Promise<LinkedLatency> {
    return this.#peers.ask<LinkedLatency>('measure', { seconds })
  }

  tell(): Promise<Told> {
    return this.#hub.ask<Told>('tell')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#peers[Symbol.asyncDispose](), this.#hub[Symbol.asyncDispose]()])
  }
}

type Work = (typeof WORKS)[number]

function slow(work: Work, rounds: readonly Round[]): string[] {
  const middle = rounds.toSorted((a, b) => ratioOf(work, a) - ratioOf(work, b))[rounds.length >> 1]!
  const isGood = ratioOf(work, middle) <= P99_RATIO_MOST || middle.attacked[work].p99Ms <= P99_MS_ALWAYS_GOOD
  const text = `${work}: p99 ratio ${ratioOf(work, middle).toFixed(2)}, the median of ${rounds.length} rounds`
  console.log(`${text}, at most ${P99_RATIO_MOST}`)
  return isGood ? [] : [`${text}: too slow`]
}

function leaks({ links, gossipPeers, dhtPeers }: Told, { learned, answers }: Learned): string[] {
  return [
    ...(learned.length === 0 ? [] : [`strangers were told of ${learned.join(', ')}`]),
    // Else what they heard would prove nothing.
    ...(answers > 0 ? [] : ['no stranger got any answer']),
    ...[links, gossipPeers, dhtPeers].flatMap((count, i) =>
      count === PEERS
        ? []
        : [`${['links', 'peers of gossip', 'peers of the DHT'][i]!}: ${count}, not ${PEERS}`]
    )
  ]
}

function failures(rounds: readonly Round[]): string[] {
  const failed = rounds.reduce((sum, { attacked }) => sum + attacked.gossip.failed + attacked.dht.failed, 0)
  return failed === 0 ? [] : [`${failed} questions of linked peers failed`]
}

const grown = (from: Told, to: Told): string => ((to.rssBytes - from.rssBytes) / MB).toFixed(0)

const ratioOf = (work: Work, { attacked, spared }: Round): number => attacked[work].p99Ms / spared[work].p99Ms

function row(name: string, work: Work, round: Round): string[] {
  const [attacked, spared]: Latency[] = [round.attacked[work], round.spared[work]]
  const figures = [attacked!.p50Ms, attacked!.p99Ms, spared!.p50Ms, spared!.p99Ms, ratioOf(work, round)]
  return [
    name,
    String(attacked!.calls),
    String(attacked!.failed),
    ...figures.map(figure => figure.toFixed(2))
  ]
}
