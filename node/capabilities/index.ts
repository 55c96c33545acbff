export { OPERATOR_CALL, capabilityAdmin } from './admin-handlers.ts'
export type { CapabilityAdmin } from './admin-handlers.ts'
export { operatorOf } from './audit.ts'
export type { By, CapabilityAudit, CapabilityEvent } from './audit.ts'
export { Capabilities, MAX_STATEMENTS_AT_ONCE } from './capabilities.ts'
export type { RevocationKey, RevocationPage } from './capabilities.ts'
export type { ExchangedTerms, MintedToken, RenewedToken } from './mint.ts'
export { directClient, directOver } from './direct-client.ts'
export type { CapabilityClient } from './direct-client.ts'
export { CAPABILITY_FOLDER_CONTENTS } from './folder.ts'
export { capabilitiesOf } from './handlers.ts'
export type { ExchangeHandlers } from './handlers.ts'
export { DEFAULT_MINT_POLICY } from './mint-policy.ts'
export type { MintPolicy, MintRequest } from './mint-policy.ts'
export type { MintedRight, RightElsewhere } from './minted-list.ts'
export { FIRST_TENANT, RIGHTS, openCapabilities } from './open.ts'
export type { CapabilitySources, CapabilityWarning } from './open.ts'
export { holderRefusal, obtainRefusal } from './renewal.ts'
export type { Holder } from './renewal.ts'
export { keyDelegationProblem, parseKeyDelegation } from './key-delegation.ts'
export type { KeyDelegation, KeyStatement } from './key-delegation.ts'
export {
  NOTHING_FOLLOWED,
  REVOCATION,
  delegationFor,
  followFrom,
  formatRevocation,
  headOf,
  parseRevocation,
  revocationProblem,
  revoked
} from './revocation-statement.ts'
export type {
  FollowedHead,
  ListHead,
  RevocationStatement,
  Revoked,
  SignedRevocation
} from './revocation-statement.ts'
export { SteadyClock } from './steady-clock.ts'
export { AMS_TENANT, DEFAULT_TENANT_LIMITS, HUB_TENANT } from './tenants.ts'
export type { AppLimits, Tenant } from './tenants.ts'
