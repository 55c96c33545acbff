export { canonicalJson, isTextOf, signedBytes } from './canonical.ts'
export type { CanonicalValue } from './canonical.ts'
export {
  DELEGATION_TAG,
  delegate,
  delegationProblem,
  formatDelegation,
  parseDelegation
} from './delegation.ts'
export type { Delegation, LinkStatement } from './delegation.ts'
export {
  SIGNATURE_BYTES,
  isSignedBy,
  isUsablePublicKey,
  publicBytes,
  signBytes,
  signingKey,
  verifyingKey
} from './ed25519.ts'
export { hubId, hubPublicKey } from './hub-id.ts'
