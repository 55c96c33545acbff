import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'

const USAGE_EXIT = 64

/** Options of this process; one that is none of them ends it with 64 and one line that says so. */
export function given<const O extends NonNullable<ParseArgsConfig['options']>>(options: O) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return refuseArguments((error as Error).message)
  }
}

/** The whole number that an option gives; another text ends this process likewise. */
export function wholeGiven(name: string, text: string, [least, most]: readonly [number, number]): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  return refuseArguments(`--${name} ${text}: give a whole number from ${least} to ${most}`)
}

export function refuseArguments(problem: string): never {
  console.error(problem)
  process.exit(USAGE_EXIT)
}
