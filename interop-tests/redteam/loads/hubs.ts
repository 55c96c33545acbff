import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { printTable } from '../table.ts'
import { HelperProcess } from './helper-process.ts'
import type { HubTold } from './hubs-target-process.ts'
import { PEERS } from './linked-load.ts'
import type { TimedLatency } from './timed.ts'

const MB = 1e6
const P99_RATIO_MOST = 2
/** Below that a p99 says more about who got the processor than about the hub. */
const P99_MS_ALWAYS_GOOD = 3
/** How much longer than with the spared hub a link may take. */
const RELINK_MS_MORE = 2000
const SETTLE_MS = 3000
const ROUNDS = 3
const SIZES = { full: { strangers: 500, seconds: 10 }, short: { strangers: 60, seconds: 2 } } as const
/** How handshakes of strangers must not end. */
const GOOD_ENDS = ['linked', 'paired']

interface Round {
  readonly attacked: TimedLatency
  readonly spared: TimedLatency
}

interface Strangers {
  readonly handshakes: number
  readonly challenges: number
  readonly calls: number
  readonly streams: number
  readonly answers: number
  readonly refusals: number
  readonly learned: readonly string[]
}

/**
 * Whole nodes: strangers shake hands badly, call what is for links, and ask for gossip and DHT, while 10 hubs that are
 * linked by the handshake call operations under their treaties. As many are linked with a second hub on the same machine,
 * which nobody attacks: what their calls take in the same seconds is the quiet value. That the strangers learn nothing,
 * that no link ends, and that hubs which lose theirs link again as soon, is judged too.
 */
export async function hubs(full: boolean): Promise<boolean> {
  const { strangers: many, seconds } = full ? SIZES.full : SIZES.short
  await using target = await LinkedHub.start(many * 4 + 200)
  await using spared = await LinkedHub.start(many * 4 + 200)
  const round = async (): Promise<Round> => {
    const [attacked, other] = await Promise.all([target.measure(seconds), spared.measure(seconds)])
    return { attacked, spared: other }
  }
  await round()
  const before = await round()
  const idle = await target.tell()
  const known = { address: target.address, hubs: target.peers, unknown: spared.hub }
  await using attack = new HelperProcess(new URL('./hubs-strangers-process.ts', import.meta.url), [
    JSON.stringify(known)
  ])
  const connected = await attack.ask<number>('attack', { strangers: many })
  await sleep(SETTLE_MS)
  const started = await target.tell()
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round())
  const told = await target.tell()
  const strangers = await attack.ask<Strangers>('tell')
  const [again, sparedAgain] = await Promise.all([target.relink(), spared.relink()])

  printTable(
    ['10 linked hubs', 'calls', 'failed', 'p50 ms', 'p99 ms', 'spared hub: p50 ms', 'p99 ms', 'p99 ratio'],
    [row('before the attack', before), ...rounds.map((one, i) => row(`attacked, round ${i + 1}`, one))]
  )
  const share = (told.cpuSeconds - started.cpuSeconds) / (seconds * ROUNDS)
  console.log(
    `${connected} strangers connected at once; the hub used ${(share * 100).toFixed(0)} % of a processor, ` +
      `+${((told.rssBytes - idle.rssBytes) / MB).toFixed(0)} MB`
  )
  console.log(`the strangers: ${JSON.stringify(strangers)}`)
  console.log(`the hub at the end: ${JSON.stringify(told)}`)
  const problems = [
    ...slow(rounds),
    ...failures([before, ...rounds]),
    ...leaks(idle, told, strangers),
    ...late(again, sparedAgain)
  ]
  for (const problem of problems) console.log(problem)
  console.log(problems.length === 0 ? 'pass' : 'FAIL')
  return problems.length === 0
}

/** A hub and those that are linked with it, each side in a process of its own. */
class LinkedHub implements AsyncDisposable {
  readonly #started: AsyncDisposableStack
  readonly #hub: HelperProcess
  readonly #peers: HelperProcess
  readonly hub: string
  readonly address: string
  readonly peers: readonly { readonly hub: string; readonly peer: string }[]

  private constructor(
    started: AsyncDisposableStack,
    [hub, peers]: readonly [HelperProcess, HelperProcess],
    { hub: id, address }: { readonly hub: string; readonly address: string },
    known: LinkedHub['peers']
  ) {
    this.#started = started
    this.#hub = hub
    this.#peers = peers
    this.hub = id
    this.address = address
    this.peers = known
  }

  static async start(maxConnections: number): Promise<LinkedHub> {
    await using started = new AsyncDisposableStack()
    const top = await mkdtemp(join(tmpdir(), 'omnigate-hubs-'))
    started.defer(() => rm(top, { recursive: true, force: true }))
    const script = (name: string): URL => new URL(name, import.meta.url)
    const hub = started.use(
      new HelperProcess(script('./hubs-target-process.ts'), [top, String(maxConnections)])
    )
    const peers = started.use(new HelperProcess(script('./hubs-peers-process.ts'), [top]))
    const who = await hub.ask<{ hub: string; address: string }>('who')
    const known = await peers.ask<LinkedHub['peers']>('who')
    await hub.ask('allow', { hubs: known.map(one => one.hub) })
    await peers.ask('join', who)
    return new LinkedHub(started.move(), [hub, peers], who, known)
  }

  measure(seconds: number): Promise<TimedLatency> {
    return this.#peers.ask<TimedLatency>('measure', { seconds })
  }

  /** How long hubs took that lost their connections and linked again, in milliseconds. */
  relink(): Promise<number[]> {
    return this.#peers.ask<number[]>('relink', { hub: this.hub, address: this.address })
  }

  tell(): Promise<HubTold> {
    return this.#hub.ask<HubTold>('tell')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.disposeAsync()
  }
}

function slow(rounds: readonly Round[]): string[] {
  const middle = rounds.toSorted((a, b) => ratioOf(a) - ratioOf(b))[rounds.length >> 1]!
  const isGood = ratioOf(middle) <= P99_RATIO_MOST || middle.attacked.p99Ms <= P99_MS_ALWAYS_GOOD
  const text = `p99 ratio ${ratioOf(middle).toFixed(2)}, the median of ${rounds.length} rounds`
  console.log(`${text}, at most ${P99_RATIO_MOST}`)
  return isGood ? [] : [`${text}: too slow`]
}

function late(again: readonly number[], spared: readonly number[]): string[] {
  const [slowest, quiet] = [Math.max(...again), Math.max(...spared)]
  const text = `${again.length} hubs linked again under attack within ${slowest.toFixed(0)} ms, with the spared hub within ${quiet.toFixed(0)}`
  console.log(text)
  return slowest <= quiet + RELINK_MS_MORE ? [] : [`${text}: too slow`]
}

function failures(rounds: readonly Round[]): string[] {
  const failed = rounds.reduce((sum, { attacked }) => sum + attacked.failed, 0)
  const why = rounds.map(({ attacked }) => JSON.stringify(attacked.failures)).join(', ')
  return failed === 0 ? [] : [`${failed} calls of linked hubs failed: ${why}`]
}

function leaks(idle: HubTold, { links, handshakes }: HubTold, strangers: Strangers): string[] {
  const good = (of: HubTold['handshakes']): number => GOOD_ENDS.reduce((sum, end) => sum + (of[end] ?? 0), 0)
  return [
    ...(strangers.learned.length === 0 ? [] : [`strangers were told of ${strangers.learned.join(', ')}`]),
    // Else what they heard would prove nothing.
    ...(strangers.challenges > 0 && strangers.calls > strangers.challenges ? [] : ['no stranger got so far']),
    ...((handshakes['wrong_key'] ?? 0) > 0 ? [] : ['no stranger had a signature verified']),
    ...(links === PEERS ? [] : [`links: ${links}, not ${PEERS}`]),
    ...(good(handshakes) === good(idle.handshakes) ? [] : ['a link or a pairing came up under attack'])
  ]
}

const ratioOf = ({ attacked, spared }: Round): number => attacked.p99Ms / spared.p99Ms

function row(name: string, round: Round): string[] {
  const { attacked, spared } = round
  const figures = [attacked.p50Ms, attacked.p99Ms, spared.p50Ms, spared.p99Ms, ratioOf(round)]
  return [name, String(attacked.calls), String(attacked.failed), ...figures.map(figure => figure.toFixed(2))]
}
