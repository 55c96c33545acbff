import type { CanonicalValue } from '../../federation/index.ts'
import { MAX_SHOWN_CHARS, wrong } from './read-envelope.ts'
import type { Check } from './read-envelope.ts'
import { EnvelopeRefusal } from './refusal.ts'

export type Members = Readonly<Record<string, CanonicalValue>>

/**
 * Checks the members of an object: each must be of a form, and those that are needed must be there.
 * @throws EnvelopeRefusal `missing_member`, `unknown_member`, `bad_form`, `too_long`
 */
export function checkMembers(
  value: Members,
  forms: Readonly<Record<string, Check>>,
  needed: readonly string[] = []
): void {
  for (const name of needed)
    if (!Object.hasOwn(value, name)) throw new EnvelopeRefusal('missing_member', `${name}: missing`)
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(forms, name)) throw unknown(name, Object.keys(forms))
    forms[name]!(member, name)
  }
}

export function flag(value: CanonicalValue, name: string): void {
  if (typeof value !== 'boolean') throw wrong(name, 'give true or false')
}

export const whole =
  (least: number, most: number): Check =>
  (value, name) => {
    if (typeof value !== 'number' || value < least || value > most)
      throw wrong(name, `give a whole number from ${least} to ${most}`)
  }

export const list =
  (most: number): Check =>
  (value, name) => {
    if (!Array.isArray(value) || value.length > most) throw wrong(name, `give a list of at most ${most}`)
  }

const unknown = (name: string, known: readonly string[]): EnvelopeRefusal =>
  new EnvelopeRefusal(
    'unknown_member',
    `${JSON.stringify(name.slice(0, MAX_SHOWN_CHARS))}: no member here; there are ${known.join(', ')}`
  )
