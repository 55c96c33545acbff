import type { FaultArguments } from './arguments.ts'
import { draw } from './random.ts'
import { LONG_SCENARIOS, SCENARIOS } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'

export interface Trial {
  readonly scenario: Scenario
  readonly seed: number
}

/** Drawn plans find what nobody thought of: after each round through the table there are this many more. */
const DRAWN_A_ROUND = 10

/** What to run: once through the table with the given seed, and in a full run on and on with seeds drawn from it. */
export function* trials({ seed, minutes, only }: FaultArguments): Generator<Trial> {
  const named = [...SCENARIOS, ...LONG_SCENARIOS].filter(({ name }) => name === only)
  const first = only === undefined ? SCENARIOS : named
  for (const scenario of first) yield { scenario, seed }
  if (minutes === 0) return
  const drawn = SCENARIOS.filter(({ name }) => name === 'drawn')
  const more = Array.from({ length: DRAWN_A_ROUND }, () => drawn).flat()
  const round = only === undefined ? [...LONG_SCENARIOS, ...more, ...SCENARIOS] : named
  for (let n = 0; ; n++) {
    const scenario = round[n % round.length]
    if (scenario === undefined) return
    yield { scenario, seed: Math.floor(draw(seed, n) * 2 ** 31) }
  }
}
