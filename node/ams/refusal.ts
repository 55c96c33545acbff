/** Why an envelope is not taken; each is counted. */
export const ENVELOPE_REFUSALS = [
  'missing_member',
  'unknown_member',
  'bad_form',
  'too_long',
  'proof_incomplete',
  'bad_proof',
  'no_proof',
  'conflict',
  'bad_transition',
  'sender_blocked'
] as const
export type EnvelopeRefusalCode = (typeof ENVELOPE_REFUSALS)[number]

/** What an envelope, a change of its status, or what is kept beside envelopes is refused for. The message names the member and what it must be. */
export class EnvelopeRefusal extends Error {
  override readonly name = 'EnvelopeRefusal'
  readonly code: EnvelopeRefusalCode

  constructor(code: EnvelopeRefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

/** That an id stands for something else already. */
export const idTaken = (id: string): EnvelopeRefusal =>
  new EnvelopeRefusal('conflict', `id: ${id} is that of another; give another, or none`)
