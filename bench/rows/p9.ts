import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { builtProgram } from '../harness/built-package.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row, RunOptions } from '../harness/row.ts'
import { SpreadingGroup, type PhaseResult } from '../harness/spreading-group.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { highestRung, rateOf, type Ladder } from '../harness/sustained-rate.ts'
import { atLeast, atMost, type Figures } from '../harness/verdict.ts'

const HUBS = 20
const SMOKE_HUBS = 4
const BYTES = 1024
const CALM_PER_SECOND = 20
const CALM_MS = 20_000
/** Hubs ask each other for what they lack once a minute. */
const RECONCILED_MS = 90_000
const STEP_MS = 10_000
const STEP_SETTLE_MS = 20_000
const STEP_LINGER_MS = 60_000
const SMOKE_MS = 1000
const MOST_P99_MS = 1000
/** From 5 to 4,000 a second. */
const LADDER = { lowest: -6, highest: 24, start: 3 }
const SMOKE_LADDER = { lowest: 0, highest: 0, start: 0 }
const SCRIPTS = { ours: '../ours/sharing-child.ts', gossipsub: '../baselines/gossipsub-child.ts' } as const

type Name = keyof typeof SCRIPTS
const NAMES: readonly Name[] = ['ours', 'gossipsub']

interface Sample {
  readonly calm: PhaseResult
  /** Messages a second in all that it sustains, 0 where it sustains none. */
  readonly rate: number
  readonly rung: number
}

export const p9: Row = {
  id: 'P9',
  summary:
    '20 hubs in processes share 1 KiB messages by gossip and pull, beside signed gossipsub on the same links',
  async run(options) {
    const built = dirname(dirname(await builtProgram(options)))
    const last = new Map<Name, number>()
    const samples = await interleaved(NAMES, options.rounds, async (name, round) => {
      await using folder = new AsyncDisposableStack()
      const top = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
      folder.defer(() => rm(top, { recursive: true, force: true }))
      const ends = { name, script: new URL(SCRIPTS[name], import.meta.url), args: [built, top] }
      await using group = await SpreadingGroup.start(ends, hubs(options))
      const sample = await measured(name, group, options, last.get(name))
      last.set(name, sample.rung)
      const { p50Ms, p99Ms, due, missing } = sample.calm
      options.say(
        `round ${round + 1}/${options.rounds} ${name}: at ${CALM_PER_SECOND}/s p50 ${shown(p50Ms)} ms, p99 ${shown(p99Ms)} ms, ` +
          `${missing} of ${due} missing; sustains ${rounded(sample.rate)}/s`
      )
      return sample
    })
    return figuresOf(samples, hubs(options))
  }
}

const hubs = ({ smoke }: RunOptions): number => (smoke ? SMOKE_HUBS : HUBS)

async function measured(
  name: Name,
  group: SpreadingGroup,
  { smoke, say }: RunOptions,
  last: number | undefined
): Promise<Sample> {
  const calm = await group.phase({
    bytes: BYTES,
    perSecond: CALM_PER_SECOND,
    forMs: smoke ? SMOKE_MS : CALM_MS,
    settleMs: RECONCILED_MS
  })
  const ladder = smoke ? SMOKE_LADDER : LADDER
  const rung = await highestRung(startingFrom(ladder, last), async at => {
    const perSecond = rateOf(at)
    const forMs = smoke ? SMOKE_MS : STEP_MS
    const step = await group.phase({
      bytes: BYTES,
      perSecond,
      forMs,
      settleMs: STEP_SETTLE_MS,
      lingerMs: STEP_LINGER_MS
    })
    const holds = isSustained(step, forMs)
    say(`${name}: ${rounded(perSecond)}/s: ${described(step)}${holds ? '' : ': not sustained'}`)
    return holds
  })
  return { calm, rung, rate: rung < ladder.lowest ? 0 : rateOf(rung) }
}

/** The next search begins where the last one ended. */
const startingFrom = (ladder: Ladder, last: number | undefined): Ladder => ({
  ...ladder,
  start: Math.max(ladder.lowest, last ?? ladder.start)
})

/** Everything came everywhere in time, and was taken as fast as it was sent. */
const isSustained = ({ missing, doubled, refused, sendingMs, p99Ms }: PhaseResult, forMs: number): boolean =>
  missing === 0 &&
  doubled === 0 &&
  refused === 0 &&
  sendingMs < forMs + MOST_P99_MS &&
  p99Ms !== null &&
  p99Ms < MOST_P99_MS

const described = ({ p50Ms, p99Ms, missing, due, doubled, refused, cpuMicros }: PhaseResult): string =>
  `p50 ${shown(p50Ms)} ms, p99 ${shown(p99Ms)} ms, ${missing} of ${due} missing, ${doubled} twice, ${refused} refused, ` +
  `${Math.round(cpuMicros)} us of CPU each`

const shown = (ms: number | null): string => (ms === null ? '-' : String(rounded(ms)))

function figuresOf(samples: ReadonlyMap<Name, readonly Sample[]>, members: number): Figures {
  const of = (name: Name, what: (sample: Sample) => number) => samples.get(name)!.map(what)
  const rate = (name: Name) => of(name, sample => sample.rate)
  const p99 = (name: Name) => of(name, ({ calm }) => calm.p99Ms ?? Number.NaN)
  const cpu = (name: Name) => of(name, ({ calm }) => calm.cpuMicros)
  const share = of('ours', ({ calm }) => (calm.due === 0 ? 0 : 1 - calm.missing / calm.due))
  const wrong = of('ours', ({ calm }) => calm.doubled + calm.refused)
  const ratios = rate('ours').map((ours, round) => ours / rate('gossipsub')[round]!)
  return {
    what: `messages of 1 KiB a second in all at ${members} hubs, ring with chords, that come everywhere with a p99 under 1 s`,
    ours: rounded(median(rate('ours'))),
    others: { gossipsub: rounded(median(rate('gossipsub'))) },
    limit: null,
    checks: [
      atLeast('rate / signed gossipsub', 4, median(ratios)),
      atLeast('of 20/s after reconciliation, in the worst round', 1, Math.min(...share)),
      atMost(
        'of 20/s refused or twice, in all rounds',
        0,
        wrong.reduce((sum, count) => sum + count, 0)
      ),
      atMost('p99 at 20/s, ms', MOST_P99_MS, median(p99('ours')))
    ],
    spread: {
      ours: rounded(spread(rate('ours'))),
      gossipsub: rounded(spread(rate('gossipsub'))),
      'p99 at 20/s': rounded(spread(p99('ours')))
    },
    notes: {
      'p50 at 20/s ms': rounded(median(of('ours', ({ calm }) => calm.p50Ms ?? Number.NaN))),
      'gossipsub p99 at 20/s ms': rounded(median(p99('gossipsub'))),
      'CPU us a message and hub at 20/s': rounded(median(cpu('ours'))),
      'gossipsub CPU us a message and hub at 20/s': rounded(median(cpu('gossipsub')))
    }
  }
}
