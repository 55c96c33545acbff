import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'

/** How long the hub key speaks for a key, and under which epoch. */
export const LIFE_OPTIONS: readonly Option[] = [
  {
    name: 'days',
    value: 'D',
    summary: 'how long the hub key speaks for it: 3650',
    completes: 'nothing'
  },
  {
    name: 'epoch',
    value: 'N',
    summary:
      'later than the next one, when the hub key has signed for more than this folder knows of, as after a restore',
    completes: 'nothing'
  }
]

/** @throws CommandError `usage` */
export function lifeGiven(invocation: Invocation): { readonly days?: number; readonly epoch?: number } {
  const [days, epoch] = [numberGiven(invocation, 'days', 36_500), numberGiven(invocation, 'epoch', 1_000_000)]
  return { ...(days !== undefined && { days }), ...(epoch !== undefined && { epoch }) }
}

function numberGiven(invocation: Invocation, name: string, most: number): number | undefined {
  const text = invocation.option(name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d{1,7}$/.test(text) && number >= 1 && number <= most) return number
  throw new CommandError(EXIT.usage, `--${name}: must be a whole number from 1 to ${most}`)
}
