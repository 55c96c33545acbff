export { canonicalJson, isTextOf, signedBytes } from './canonical.ts'
export type { CanonicalValue } from './canonical.ts'
export {
  DELEGATION,
  DELEGATION_TAG,
  ROLES,
  authorityProblem,
  delegate,
  delegatedKey,
  delegationProblem,
  formatDelegation,
  parseDelegation
} from './delegation.ts'
export type {
  Delegation,
  DelegationStatement,
  KeyStatement,
  LinkStatement,
  ListPlace,
  RevocationKeyStatement,
  Role
} from './delegation.ts'
export {
  MAX_DELEGATIONS,
  MAX_KEY_REVOCATIONS,
  emptyBook,
  isRevoked,
  learnDelegation,
  learnKeyRevocation,
  statementProblem,
  succeededBy
} from './delegation-book.ts'
export type {
  Claim,
  DelegatedKind,
  DelegationBook,
  Learned,
  LearnedRevocation,
  LearningRefusal,
  StatementRefusal
} from './delegation-book.ts'
export * from './directed/index.ts'
export {
  SIGNATURE_BYTES,
  isSignedBy,
  isUsablePublicKey,
  publicBytes,
  signBytes,
  signingKey,
  verifyingKey
} from './ed25519.ts'
export {
  EXCHANGE,
  EXCHANGE_TAG,
  MAX_EXCHANGE_CHARS,
  MAX_EXCHANGE_TOPICS,
  MAX_EXCHANGE_VERBS
} from './exchange-statement.ts'
export type { ExchangeStatement } from './exchange-statement.ts'
export {
  EXCHANGE_NUMBERS,
  EXCHANGE_REFUSALS,
  addressProblem,
  exchangeRequest,
  exchangeTerms
} from './exchange.ts'
export type {
  ExchangeRefusal,
  ExchangeTerms,
  ExchangeUse,
  ExchangeWish,
  ExchangedRight,
  VerbWays
} from './exchange.ts'
export { exactly, flag, formed, lineOfText, listOf, oneOf, readForm, textOf, whole } from './form.ts'
export type { Form, Formed, Forms, Tell } from './form.ts'
export { forms } from './forms.ts'
export * from './handshake/index.ts'
export { hubId, hubPublicKey } from './hub-id.ts'
export {
  HUB_PROOF_KINDS,
  MAX_DECIDED,
  MAX_PROOFS,
  learnRecord,
  noKeys,
  openProof,
  proofDigest,
  proofsDecided,
  recordHub,
  withProof
} from './hub-keys.ts'
export type { EquivocationProof, HubKeys, Knowledge, RecordVerdict } from './hub-keys.ts'
export {
  MAX_KEY_PAGE_BYTES,
  MAX_KEY_RECORDS,
  keyDigest,
  keyPage,
  keyPageLines,
  keyRecordLine,
  parseKeyRecord
} from './key-record.ts'
export type { KeyPage, KeyRecord } from './key-record.ts'
export { KEY_REVOCATION, revokeKey } from './key-revocation.ts'
export type { KeyRevocation, KeyRevocationStatement } from './key-revocation.ts'
export * from './links/index.ts'
export * from './log/index.ts'
export { peerPublicKey } from './peer-key.ts'
export * from './policy/index.ts'
export { NEWS_REFUSALS, REVOCATION_HEAD, REVOCATION_HEAD_TAG } from './revocation-head.ts'
export type { RevocationHeadStatement } from './revocation-head.ts'
export * from './snapshots/index.ts'
export * from './shares/index.ts'
export { formatSigned, isStatementBy, parseSigned, readSigned, signStatement } from './statement.ts'
export type { Signed, StatementKind } from './statement.ts'
export { LEAST_TREATY, readTreaty } from './treaty.ts'
export type { Direction, Quotas, Share, SharedClass, Treaty, TreatyReading, TreatyRow } from './treaty.ts'
export { MAX_GRANT_BYTES } from './treaty-contradictions.ts'
export { TREATY_GRANT, grantOf } from './treaty-grant.ts'
export type { GrantRow, TreatyGrant } from './treaty-grant.ts'
export { MAX_ROWS, MAX_ROW_TOPICS, MAX_VERBS } from './treaty-forms.ts'
export { agree, isOver } from './agreement.ts'
export type { AgreedRow, Agreement, Difference } from './agreement.ts'
export { isSameFingerprint, pairingFingerprint } from './fingerprint.ts'
export {
  MAX_INVITE_ADDRESSES,
  MAX_INVITE_S,
  SECRET_BYTES,
  decodeInvite,
  encodeInvite,
  inviteAuditId,
  inviteProblem,
  secretDigest
} from './invite.ts'
export type { Invite } from './invite.ts'
export {
  CONFIRM_S,
  NO_PAIRINGS,
  pairCalled,
  inviteClosed,
  pairingConfirmed,
  pairingDeclined,
  proofFailed,
  openInviteAt,
  inviteOpened,
  hubPaired,
  waitingPairings
} from './pairing.ts'
export type { Decided, OpenInvite, Paired, Pairings, WaitingPairing } from './pairing.ts'
export {
  SUCCESSION_TAG,
  formatSuccession,
  parseSuccession,
  succeed,
  successionProblem
} from './succession.ts'
export type { Succession, SuccessionStatement } from './succession.ts'
export { confirmationProblem, hubChain, learnSuccession } from './succession-chain.ts'
export type { LearnedSuccession, SuccessionRefusal } from './succession-chain.ts'
export * from './witness/index.ts'
