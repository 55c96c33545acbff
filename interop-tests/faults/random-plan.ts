import type { Cut, FlowPlan, LinkPlan, Ways } from './fault-plan.ts'
import { Dice } from './random.ts'

const LAST_BYTE = 400_000

/** Several faults at once, drawn from the seed: each direction gets about half of the kinds, and rarely an end. */
export function randomPlan(seed: number): LinkPlan {
  const dice = new Dice(seed)
  return { up: randomFlow(dice), down: randomFlow(dice) }
}

function randomFlow(dice: Dice): FlowPlan {
  return {
    ...(dice.oneIn(2) && { latencyMs: dice.between(1, 40), jitterMs: dice.between(0, 30) }),
    ...(dice.oneIn(2) && { loss: { rate: dice.between(1, 20) / 1000, stallMs: dice.between(50, 250) } }),
    ...(dice.oneIn(2) && { bytesPerSecond: dice.between(200_000, 8_000_000) }),
    ...(dice.oneIn(6) && {
      dribble: {
        fromByte: dice.between(0, LAST_BYTE),
        bytes: dice.between(1, 500),
        everyMs: dice.between(2, 50)
      }
    }),
    ...(dice.oneIn(5) && {
      corruption: { fromByte: dice.between(0, LAST_BYTE), rate: dice.between(1, 100) / 1000 }
    }),
    ...(dice.oneIn(2) && { cuts: randomCuts(dice) })
  }
}

function randomCuts(dice: Dice): Cut[] {
  const places = Array.from({ length: dice.between(1, 4) }, () => dice.between(0, LAST_BYTE))
  return [...new Set(places)].sort((a, b) => a - b).map(atByte => randomCut(dice, atByte))
}

function randomCut(dice: Dice, atByte: number): Cut {
  const kind = dice.pick(['partition', 'partition', 'reset', 'half-close'])
  if (kind !== 'partition') return { atByte, kind }
  return { atByte, kind, ways: dice.pick<Ways>(['up', 'down', 'both']), forMs: dice.between(50, 4000) }
}
