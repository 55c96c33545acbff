import { CommandError } from '../command-error.ts'
import type { Option } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { durationS } from '../moment.ts'

/** The most leases of one receiver, and what the node takes if it says nothing. */
export const MAX_OPTION: Option = {
  name: 'max',
  value: 'N',
  summary: 'messages at most, 1 to 256 (default: 32)',
  completes: 'nothing'
}

export const VISIBILITY_OPTION: Option = {
  name: 'visibility',
  value: 'TIME',
  summary: 'how long what is not acknowledged stays away: 30s, 5m (default: 30s)',
  completes: 'nothing'
}

/** A whole number within bounds. @throws CommandError `usage` */
export function wholeOption(
  invocation: Invocation,
  name: string,
  [least, most]: readonly [number, number]
): number | undefined {
  const given = invocation.option(name)
  if (given === undefined) return undefined
  const value = /^\d{1,15}$/.test(given) ? Number(given) : NaN
  if (value >= least && value <= most) return value
  throw new CommandError(EXIT.usage, `--${name} ${given}: write a whole number from ${least} to ${most}`)
}

/** A time as people write it, in milliseconds. @throws CommandError `usage` */
export function timeOptionMs(invocation: Invocation, name: string): number | undefined {
  const given = invocation.option(name)
  return given === undefined ? undefined : durationS(name, given) * 1000
}

export const maxOption = (invocation: Invocation): number | undefined =>
  wholeOption(invocation, 'max', [1, 256])

export function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
