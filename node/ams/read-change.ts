import type { CanonicalValue } from '../../federation/index.ts'
import { FORMS, MAX_SHOWN_CHARS } from './read-envelope.ts'
import { EnvelopeRefusal } from './refusal.ts'
import type { StatusRecord } from './status.ts'

export type Change = Partial<Pick<StatusRecord, 'status' | 'meta'>>

const CHANGEABLE: readonly string[] = ['status', 'meta']

/**
 * The change of an envelope in an object that strict JSON has read.
 * @throws EnvelopeRefusal `missing_member`, `unknown_member`, `bad_form`, `too_long`
 */
export function readChange(value: Readonly<Record<string, CanonicalValue>>): Change {
  const names = Object.keys(value)
  if (names.length === 0) throw new EnvelopeRefusal('missing_member', 'give status, meta or both')
  for (const name of names) {
    if (!CHANGEABLE.includes(name)) throw unchangeable(name)
    FORMS[name]!(value[name]!, name)
  }
  return value as Change
}

const unchangeable = (name: string): EnvelopeRefusal =>
  new EnvelopeRefusal(
    'unknown_member',
    Object.hasOwn(FORMS, name)
      ? `${name}: never changes; status and meta do`
      : `${JSON.stringify(name.slice(0, MAX_SHOWN_CHARS))}: nothing that changes; status and meta do`
  )
