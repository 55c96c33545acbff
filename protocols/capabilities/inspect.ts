import { decodeToken } from './token-codec.ts'
import { decodeIdentifier, tenantOf } from './token-identifier.ts'
import { readCaveats } from './verified-token.ts'
import type { VerifiedToken } from './verified-token.ts'

const NO_LINK = new Uint8Array(32)

/** What a token says of itself. The buckets of its limits name nothing, as they need a proof. */
export interface UnprovedToken extends VerifiedToken {
  /** The hub id of the hub that minted it; undefined where it says none. */
  readonly hub: string | undefined
}

/**
 * What a token says, for people and for judging before a call: nothing of it is proved, and no third party's word is
 * asked for. Throws `cap_foreign` with the reason `malformed`.
 */
export function inspectToken(bytes: Uint8Array): UnprovedToken {
  const token = decodeToken(bytes)
  const { macaroon, discharges } = token
  const links = new Map(
    [macaroon, ...discharges].map(each => [each, each.caveats.map(() => NO_LINK)] as const)
  )
  return {
    ...decodeIdentifier(macaroon.identifier),
    hub: macaroon.location,
    tenantId: new Uint8Array(tenantOf(macaroon.identifier)),
    ...readCaveats(token, { links })
  }
}
