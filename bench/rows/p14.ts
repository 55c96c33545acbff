import { nodeFlags } from '../../bin/runtime.mjs'
import { Child } from '../harness/child.ts'
import { LOAD_CORE, NODE_CORE, pin } from '../harness/cores.ts'
import { refusalsOf } from '../harness/outcomes.ts'
import { whileWatched } from '../harness/peak-rss.ts'
import type { Row, RunOptions } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atLeast, atMost, type Check, type Figures } from '../harness/verdict.ts'
import type { Overloaded } from '../ours/work-clients.ts'

const TIMES_CAPACITY = 5
/** What the generator must reach of that: a client that waits for room does not overload anybody. */
const TIMES_LEAST = 4.5
const GOODPUT_LEAST = 0.8
const RECOVERY_MOST_S = 5
/** As for bodies of any length (P11). */
const RSS_GROWTH_MOST_MB = 64
const MB = 1e6
const MARGIN_MS = 60_000

interface Scale {
  readonly connections: number
  /** Numbers of open calls of which one gives the capacity. */
  readonly inFlight: readonly number[]
  readonly capacityMs: number
  readonly overloadMs: number
}

/** 64 open calls on each of 64 sessions are close to a second of five times a capacity of 1000. */
const FULL: Scale = { connections: 64, inFlight: [8, 64, 256], capacityMs: 2000, overloadMs: 10_000 }
const SMOKE: Scale = { connections: 8, inFlight: [16], capacityMs: 100, overloadMs: 300 }

interface Round extends Overloaded {
  readonly capacity: number
  readonly grownBytes: number
}

export const p14: Row = {
  id: 'P14',
  summary: 'five times as many calls of 1 ms of CPU as the node can do, callers on a core of their own',
  async run(options) {
    const scale = options.smoke ? SMOKE : FULL
    await using open = await Work.start('open', scale)
    await using guarded = await Work.start('guarded', scale)
    await open.capacity(scale)
    await guarded.capacity(scale)
    const rounds: Round[] = []
    for (let n = 0; n < options.rounds; n++) {
      const capacity = await open.capacity(scale)
      const round = await guarded.overload(capacity, scale)
      rounds.push(round)
      say(options, n, round)
    }
    return figuresOf(rounds)
  }
}

/** A node and its callers, each on a core of its own. */
class Work implements AsyncDisposable {
  readonly #node: Child
  readonly #clients: Child

  private constructor(node: Child, clients: Child) {
    this.#node = node
    this.#clients = clients
  }

  static async start(kind: 'open' | 'guarded', { connections }: Scale): Promise<Work> {
    const node = Child.start(
      `${kind} node`,
      new URL('../ours/work-node.ts', import.meta.url),
      [kind],
      [...nodeFlags(['start'], {})]
    )
    try {
      pin(node.pid, NODE_CORE)
      const args = [await node.ask<string>('address'), String(connections)]
      const clients = Child.start(
        `callers of the ${kind} node`,
        new URL('../ours/work-clients.ts', import.meta.url),
        args
      )
      pin(clients.pid, LOAD_CORE)
      await clients.ask('ready')
      return new Work(node, clients)
    } catch (error) {
      await node.stop()
      throw error
    }
  }

  /** The most successful calls a second, of several numbers of open calls. */
  async capacity({ inFlight: levels, capacityMs: forMs }: Scale): Promise<number> {
    const rates: number[] = []
    for (const inFlight of levels)
      rates.push(await this.#clients.ask<number>('closedLoop', { args: { inFlight, forMs } }))
    return Math.max(...rates)
  }

  async overload(capacity: number, { overloadMs: forMs }: Scale): Promise<Round> {
    const args = { perSecond: TIMES_CAPACITY * capacity, forMs }
    const { result, grownBytes } = await whileWatched(this.#node.pid, () =>
      this.#clients.ask<Overloaded>('overload', { args, withinMs: forMs + MARGIN_MS })
    )
    return { ...result, capacity, grownBytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients.stop()
    await this.#node.stop()
  }
}

function say({ rounds, say: tell }: RunOptions, n: number, round: Round): void {
  const { capacity, made, goodput, wrong, firstWrong, recoveryMs } = round
  tell(
    `round ${n + 1}/${rounds}: ${rounded(made)} of ${rounded(round.due)} calls/s made, ${rounded(goodput)} good of ${rounded(capacity)}, ${refusalsOf(round)} refused, ${wrong} wrong, recovered after ${recoveryMs === undefined ? 'never' : `${Math.round(recoveryMs)} ms`}`
  )
  if (firstWrong !== undefined) tell(`  the first wrong one: ${firstWrong}`)
}

function figuresOf(rounds: readonly Round[]): Figures {
  const of = (pick: (round: Round) => number): number[] => rounds.map(pick)
  const shares = of(({ goodput, capacity }) => goodput / capacity)
  const times = of(({ made, capacity }) => made / capacity)
  return {
    what: `successful calls of 1 ms of CPU a second, while ${TIMES_CAPACITY} times as many are made as are possible; limit: the most that the node does without shedding`,
    ours: rounded(median(of(({ goodput }) => goodput))),
    others: {},
    limit: rounded(median(of(({ capacity }) => capacity))),
    checks: [
      atLeast('goodput / capacity', GOODPUT_LEAST, median(shares)),
      atLeast('calls made / capacity', TIMES_LEAST, median(times)),
      atMost('answers other than success, 429 or 503 with a time to come again', 0, sum(of(r => r.wrong))),
      recovery(rounds),
      atMost('growth of resident memory, MB', RSS_GROWTH_MOST_MB, Math.max(...of(r => r.grownBytes / MB)))
    ],
    spread: {
      'goodput / capacity': rounded(spread(shares)),
      capacity: rounded(spread(of(r => r.capacity)))
    },
    notes: {
      'refused, share of calls': rounded(
        sum(rounds.map(refusalsOf)) / sum(rounds.map(r => refusalsOf(r) + r.succeeded + r.wrong))
      ),
      'p50 of successful calls, ms': rounded(median(of(r => r.p50Ms ?? NaN))),
      'p99 of successful calls, ms': rounded(median(of(r => r.p99Ms ?? NaN)))
    }
  }
}

function recovery(rounds: readonly Round[]): Check {
  const what = 'recovery, s'
  const times = rounds.map(({ recoveryMs }) => recoveryMs)
  if (times.some(ms => ms === undefined)) return atMost(what, RECOVERY_MOST_S, { missing: 'it never came' })
  return atMost(what, RECOVERY_MOST_S, Math.max(...times.map(ms => ms! / 1000)))
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
