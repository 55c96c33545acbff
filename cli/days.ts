import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'

const MOST = 36_500

export const DAYS_OPTION: Option = {
  name: 'days',
  value: 'D',
  summary: 'how long the hub key speaks for it: 3650',
  completes: 'nothing'
}

/** @throws CommandError `usage` */
export function daysGiven(invocation: Invocation): { readonly days?: number } {
  const text = invocation.option(DAYS_OPTION.name)
  if (text === undefined) return {}
  const days = Number(text)
  if (/^\d{1,5}$/.test(text) && days >= 1 && days <= MOST) return { days }
  throw new CommandError(EXIT.usage, `--days: must be a whole number from 1 to ${MOST}`)
}
