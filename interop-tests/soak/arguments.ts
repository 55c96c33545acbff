import { parseArgs } from 'node:util'
import { newSeed } from '../faults/random.ts'

export interface SoakArguments {
  readonly minutes: number
  readonly seed: number
  /** Bytes that the client keeps of each cycle, to see the run fail. */
  readonly leak: number
}

export class UsageError extends Error {}

const MAX_MINUTES = 10_080
const MAX_SEED = 2 ** 31
const MAX_LEAK = 1_000_000

export function soakArguments(argv: readonly string[]): SoakArguments {
  const { minutes, seed, leak } = parsed(argv)
  if (minutes === undefined) throw new UsageError('--minutes: say how long, such as --minutes 30')
  return {
    minutes: numberIn('--minutes', minutes, 1, MAX_MINUTES),
    seed: seed === undefined ? newSeed() : numberIn('--seed', seed, 0, MAX_SEED),
    leak: leak === undefined ? 0 : numberIn('--leak', leak, 0, MAX_LEAK)
  }
}

function parsed(argv: readonly string[]) {
  try {
    const options = {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      leak: { type: 'string' }
    } as const
    return parseArgs({ args: [...argv], options }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function numberIn(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${name} ${text}: give a whole number from ${least} to ${most}`)
}
