export { initiate, initiatorTick, proceed, turnedAway } from './initiator.ts'
export type { Dialled, Initiator } from './initiator.ts'
export { readChallenge, readHello, readProof } from './messages.ts'
export type { Challenge, Facts, Hello, Proof, Purpose, Side } from './messages.ts'
export { NonceMemory } from './nonces.ts'
export { HANDSHAKE } from './numbers.ts'
export type {
  Established,
  Message,
  Moment,
  Outcome,
  Party,
  ProofMessage,
  Refused,
  Step,
  TurnedAway
} from './party.ts'
export { REFUSALS, REFUSAL_CODES, isLasting, isVeiled } from './refusals.ts'
export type { RefusalCode, RefusalRow } from './refusals.ts'
export { newResponder, respond, responderTick } from './responder.ts'
export type { Channel, Responder } from './responder.ts'
