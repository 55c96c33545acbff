import { CLEAR, bothWays } from './fault-plan.ts'
import type { LinkPlan } from './fault-plan.ts'
import { randomPlan } from './random-plan.ts'
import type { WorkName } from './work.ts'

/**
 * What must come of a scenario, so that a fault that does not bite is noticed: every call answered, connected and at
 * least one call refused, no connection at all, or either of the two. `any` for plans that are drawn.
 */
export type Expected = 'all answered' | 'some refused' | 'no connection' | 'refused somewhere' | 'any'

export interface Scenario {
  readonly name: string
  readonly expected: Expected
  readonly plan: (seed: number) => LinkPlan
  /** The link stays as it is: the node must notice by itself that nobody is there, which takes it half a minute. */
  readonly stays?: boolean
  /** What is done over the link; echo unless it says another. */
  readonly work?: WorkName
}

/** Handshake, multistream and yamux are over by then, and calls under way. */
const CALLING_BYTE = 60_000
const FOREVER_MS = 600_000

const scenario = (name: string, expected: Expected, plan: LinkPlan): Scenario => ({
  name,
  expected,
  plan: () => plan
})

const OF_ECHO: readonly Scenario[] = [
  scenario('no fault', 'all answered', CLEAR),
  scenario('latency', 'all answered', bothWays({ latencyMs: 25 })),
  scenario('jitter', 'all answered', bothWays({ latencyMs: 1, jitterMs: 30 })),
  scenario('loss', 'all answered', bothWays({ loss: { rate: 0.005, stallMs: 120 } })),
  scenario('bandwidth', 'all answered', bothWays({ bytesPerSecond: 4_000_000 })),
  scenario('slow handshake', 'no connection', { up: { dribble: { fromByte: 0, bytes: 1, everyMs: 40 } } }),
  scenario('slow-loris up', 'some refused', {
    up: { dribble: { fromByte: CALLING_BYTE, bytes: 20, everyMs: 40 } }
  }),
  scenario('slow-loris down', 'some refused', {
    down: { dribble: { fromByte: CALLING_BYTE, bytes: 20, everyMs: 40 } }
  }),
  scenario('reset in the handshake', 'no connection', { up: { cuts: [{ atByte: 100, kind: 'reset' }] } }),
  scenario('reset', 'some refused', { down: { cuts: [{ atByte: CALLING_BYTE, kind: 'reset' }] } }),
  scenario('half-close up', 'some refused', { up: { cuts: [{ atByte: CALLING_BYTE, kind: 'half-close' }] } }),
  scenario('half-close down', 'some refused', {
    down: { cuts: [{ atByte: CALLING_BYTE, kind: 'half-close' }] }
  }),
  scenario('corrupt first segments', 'refused somewhere', {
    up: { corruption: { fromByte: 0, rate: 1 } },
    down: { corruption: { fromByte: 0, rate: 1 } }
  }),
  scenario('corrupt up', 'some refused', { up: { corruption: { fromByte: CALLING_BYTE, rate: 0.05 } } }),
  scenario('corrupt down', 'some refused', { down: { corruption: { fromByte: CALLING_BYTE, rate: 0.05 } } }),
  scenario('partition that heals', 'all answered', {
    up: { cuts: [{ atByte: CALLING_BYTE, kind: 'partition', ways: 'both', forMs: 500 }] }
  }),
  scenario('one-way partition up', 'all answered', {
    up: { cuts: [{ atByte: CALLING_BYTE, kind: 'partition', ways: 'up', forMs: 500 }] }
  }),
  scenario('one-way partition down', 'all answered', {
    down: { cuts: [{ atByte: CALLING_BYTE, kind: 'partition', ways: 'down', forMs: 500 }] }
  }),
  scenario('partition beyond deadlines', 'some refused', {
    up: { cuts: [{ atByte: CALLING_BYTE, kind: 'partition', ways: 'both', forMs: FOREVER_MS }] }
  }),
  { name: 'drawn', expected: 'any', plan: randomPlan }
]

const STORED_KINDS = new Set([
  'reset',
  'half-close up',
  'corrupt up',
  'corrupt down',
  'partition that heals',
  'drawn'
])

/** What ends a link, harms it or silences it for a while, with a service that keeps things. */
const stored = (work: WorkName): readonly Scenario[] =>
  OF_ECHO.filter(({ name }) => STORED_KINDS.has(name)).map(one => ({
    ...one,
    name: `${work}, ${one.name}`,
    work
  }))

export const SCENARIOS: readonly Scenario[] = [...OF_ECHO, ...stored('mailbox'), ...stored('blob')]

/** What takes too long for the short run. */
export const LONG_SCENARIOS: readonly Scenario[] = [
  {
    ...scenario('link that dies', 'some refused', {
      up: { cuts: [{ atByte: CALLING_BYTE, kind: 'partition', ways: 'both', forMs: FOREVER_MS }] }
    }),
    stays: true
  }
]
