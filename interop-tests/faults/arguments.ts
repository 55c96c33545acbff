import { parseArgs } from 'node:util'
import { newSeed } from './random.ts'

export interface FaultArguments {
  readonly seed: number
  /** Repeats all scenarios with further seeds until this time is over; 0 for a single round. */
  readonly minutes: number
  /** Scenarios to run; undefined for all. */
  readonly only: string | undefined
  readonly json: boolean
}

export class UsageError extends Error {}

/** The seed of the short run, which is the same each time. */
const SHORT_SEED = 1
const FULL_MINUTES = 10
const MAX_SEED = 2 ** 31
const MAX_MINUTES = 1440

export function faultArguments(argv: readonly string[], names: readonly string[]): FaultArguments {
  const values = parsed(argv)
  const full = values.full ?? false
  if (values.minutes !== undefined && !full) throw new UsageError('--minutes: goes with --full')
  if (values.only !== undefined && !names.includes(values.only))
    throw new UsageError(`--only ${values.only}: no such scenario; there are: ${names.join(', ')}`)
  return {
    seed: numberIn('--seed', values.seed, 0, MAX_SEED, full ? newSeed() : SHORT_SEED),
    minutes: full ? numberIn('--minutes', values.minutes, 1, MAX_MINUTES, FULL_MINUTES) : 0,
    only: values.only,
    json: values.json ?? false
  }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        full: { type: 'boolean' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'boolean' }
      }
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function numberIn(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
  fallback: number
): number {
  if (text === undefined) return fallback
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${name} ${text}: give a whole number from ${least} to ${most}`)
}
