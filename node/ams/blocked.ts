import { EnvelopeRefusal } from './refusal.ts'

/** Whether envelopes and messages of a `from` are refused here. */
export type IsBlocked = (from: string) => boolean

/** @throws EnvelopeRefusal `sender_blocked`. @see specs/ams.md, section 14 */
export function refuseBlocked(from: string | undefined, isBlocked: IsBlocked | undefined): void {
  if (from !== undefined && isBlocked?.(from) === true)
    throw new EnvelopeRefusal('sender_blocked', 'from: the operator of this hub takes nothing of this sender')
}
