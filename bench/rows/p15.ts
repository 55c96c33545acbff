import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { together, differences, type SeenCalls } from '../harness/call-counts.ts'
import { Child } from '../harness/child.ts'
import { LOAD_CORE, NODE_CORE, pin } from '../harness/cores.ts'
import type { Row, RunOptions } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atLeast, atMost, type Figures } from '../harness/verdict.ts'
import type { Storm } from '../ours/loud-tenant.ts'
import type { QuietP99 } from '../ours/quiet-tenants.ts'
import type { TenantsNode } from '../ours/tenants-node.ts'

const TIMES_QUOTA = 10
const TIMES_LEAST = 9
const P99_MOST = 2
const QUIET_EVERY_MS = 50
/** Alone a tenant goes on sooner, which only makes its p99 smaller. */
const ALONE_EVERY_MS = 5
const MARGIN_MS = 60_000
const KINDS = ['echo', 'message'] as const

interface Scale {
  readonly quiet: number
  readonly cycles: number
}

const FULL: Scale = { quiet: 31, cycles: 200 }
const SMOKE: Scale = { quiet: 3, cycles: 10 }

/** p99 by quiet tenant: alone, all of the quiet ones, and all beside the loud one. */
interface Round {
  readonly alone: readonly QuietP99[]
  readonly quiet: readonly QuietP99[]
  readonly stormed: readonly QuietP99[]
  /** Calls of the loud one over its quota, to the app that got fewer. */
  readonly timesQuota: number
}

interface Counted {
  /** Refusals of quiet tenants. */
  readonly refusedQuiet: number
  readonly refusedLoud: number
  readonly differences: readonly string[]
}

export const p15: Row = {
  id: 'P15',
  summary: '32 tenants at once on echo and mailbox, one of them at ten times its quota',
  async run(options) {
    const scale = options.smoke ? SMOKE : FULL
    const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
    try {
      await using tenants = await Tenants.start(join(folder, 'data'), scale)
      const rounds: Round[] = []
      for (let n = 0; n < options.rounds; n++) {
        const round = await tenants.round(scale)
        rounds.push(round)
        say(options, n, round)
      }
      const counted = await tenants.counted()
      for (const difference of counted.differences) options.say(difference)
      return figuresOf(rounds, counted)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** The node on one core; the quiet tenants and the loud one on another. */
class Tenants implements AsyncDisposable {
  readonly #node: Child
  readonly #quiet: Child
  readonly #loud: Child
  readonly #quota: number

  private constructor(node: Child, quiet: Child, loud: Child, quota: number) {
    this.#node = node
    this.#quiet = quiet
    this.#loud = loud
    this.#quota = quota
  }

  static async start(folder: string, { quiet }: Scale): Promise<Tenants> {
    await using started = new AsyncDisposableStack()
    const start = (name: string, file: string, args: readonly string[], core: number): Child => {
      const child = started.use(Child.start(name, new URL(`../ours/${file}`, import.meta.url), args))
      pin(child.pid, core)
      return child
    }
    const node = start('node', 'tenants-node.ts', [folder], NODE_CORE)
    const { address, quota } = await node.ask<TenantsNode>('serving')
    const names = Array.from({ length: quiet + 1 }, (_, i) => `tenant${i}`)
    const [loudest = '', ...tokens] = await node.ask<string[]>('tenants', { args: { names } })
    const quietOnes = start('quiet tenants', 'quiet-tenants.ts', [address, JSON.stringify(tokens)], LOAD_CORE)
    const loud = start('loud tenant', 'loud-tenant.ts', [address, loudest], LOAD_CORE)
    await quietOnes.ask('ready')
    await loud.ask('ready')
    started.move()
    return new Tenants(node, quietOnes, loud, quota)
  }

  async round({ quiet: count, cycles }: Scale): Promise<Round> {
    const withinMs = cycles * QUIET_EVERY_MS + MARGIN_MS
    const alone: QuietP99[] = []
    for (let tenant = 0; tenant < count; tenant++) {
      const args = { tenant, cycles, everyMs: ALONE_EVERY_MS }
      alone.push(await this.#quiet.ask<QuietP99>('alone', { args, withinMs }))
    }
    const args = { cycles, everyMs: QUIET_EVERY_MS }
    const together = () => this.#quiet.ask<QuietP99[]>('together', { args, withinMs })
    const quiet = await together()
    const pace = { perSecond: TIMES_QUOTA * this.#quota, forMs: cycles * QUIET_EVERY_MS }
    const [stormed, { echo, mailbox }] = await Promise.all([
      together(),
      this.#loud.ask<Storm>('storm', { args: pace, withinMs })
    ])
    const timesQuota = (Math.min(echo, mailbox) * 1000) / pace.forMs / this.#quota
    return { alone, quiet, stormed, timesQuota }
  }

  async counted(): Promise<Counted> {
    const quiet = await this.#quiet.ask<SeenCalls>('seen')
    const loud = await this.#loud.ask<SeenCalls>('seen')
    const counted = await this.#node.ask<SeenCalls>('counted')
    const refusals = ({ refusals: all }: SeenCalls) => Object.values(all).reduce((sum, n) => sum + n, 0)
    return {
      refusedQuiet: refusals(quiet),
      refusedLoud: refusals(loud),
      differences: differences(together([quiet, loud]), onlyServed(counted))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#quiet.stop(), this.#loud.stop()])
    await this.#node.stop()
  }
}

/** Without the series that are there from the start and count nothing. */
const onlyServed = ({ answers, refusals }: SeenCalls): SeenCalls => ({
  answers: nonZero(answers),
  refusals: nonZero(refusals)
})

const nonZero = (counts: SeenCalls['answers']) =>
  Object.fromEntries(Object.entries(counts).filter(([, times]) => times > 0))

function say({ rounds, say: tell }: RunOptions, n: number, round: Round): void {
  const p99 = KINDS.map(kind => {
    const worst = (of: readonly QuietP99[]) => rounded(Math.max(...of.map(one => one[kind])))
    return `${kind} ${worst(round.alone)}, ${worst(round.quiet)}, ${worst(round.stormed)} ms`
  })
  tell(
    `round ${n + 1}/${rounds}: the slowest tenant's p99 alone, among quiet ones, beside the loud one: ${p99.join('; ')}; the loud one at ${rounded(round.timesQuota)} x its quota`
  )
}

type Phase = 'alone' | 'quiet' | 'stormed'

function figuresOf(rounds: readonly Round[], counted: Counted): Figures {
  const p99 = (phase: Phase, tenant: number, kind: keyof QuietP99) =>
    median(rounds.map(round => round[phase][tenant]![kind]))
  const tenants = rounds[0]!.alone.map((_, tenant) => tenant)
  const worst = (kind: keyof QuietP99, phase: Phase, over: Phase) =>
    Math.max(...tenants.map(tenant => p99(phase, tenant, kind) / p99(over, tenant, kind)))
  const middle = (phase: Phase, kind: keyof QuietP99) =>
    rounded(median(tenants.map(tenant => p99(phase, tenant, kind))))
  const times = rounds.map(({ timesQuota }) => timesQuota)
  return {
    what: 'p99 of an echo call of a quiet tenant beside a loud one, in the median of the tenants: ms; limit: alone',
    ours: middle('stormed', 'echo'),
    others: { 'among quiet ones': middle('quiet', 'echo') },
    limit: middle('alone', 'echo'),
    checks: [
      atMost('echo: p99 / alone, the worst tenant', P99_MOST, worst('echo', 'stormed', 'alone')),
      atMost(
        'message sent, taken and acknowledged: p99 / alone, the worst tenant',
        P99_MOST,
        worst('message', 'stormed', 'alone')
      ),
      atMost('refusals of quiet tenants', 0, counted.refusedQuiet),
      atMost('counters that differ from what the callers saw', 0, counted.differences.length),
      atLeast('calls of the loud tenant / quota', TIMES_LEAST, median(times))
    ],
    spread: Object.fromEntries(
      KINDS.map(kind => [
        `${kind} p99`,
        rounded(spread(rounds.map(({ stormed }) => median(stormed.map(one => one[kind])))))
      ])
    ),
    notes: {
      'message p99 alone, ms': middle('alone', 'message'),
      'message p99 among quiet ones, ms': middle('quiet', 'message'),
      'message p99 beside the loud one, ms': middle('stormed', 'message'),
      'echo: p99 / among quiet ones, the worst tenant': rounded(worst('echo', 'stormed', 'quiet')),
      'message: p99 / among quiet ones, the worst tenant': rounded(worst('message', 'stormed', 'quiet')),
      'refusals of the loud tenant': counted.refusedLoud
    }
  }
}
