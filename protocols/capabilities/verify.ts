import { OapError } from '../errors.ts'
import type { Token } from './macaroon.ts'
import type { MacaroonCrypto } from './macaroon-crypto.ts'
import { decodeToken } from './token-codec.ts'
import { decodeIdentifier, tenantOf } from './token-identifier.ts'
import { denied, readCaveats } from './verified-token.ts'
import type { VerifiedToken } from './verified-token.ts'
import { STAND_IN_KEY, walkToken } from './walk.ts'

/** The root keys of a hub, as verification sees them. */
export interface HeldKeys {
  /** The newest kid: a token under a later one is not ours. */
  readonly current: number
  /** The `chainKey` of a root key; undefined when it is not held, or no more. */
  chainKey(kid: number): Uint8Array | undefined
}

export interface Verifying {
  readonly crypto: MacaroonCrypto
  /** The hub id of the hub that is called. */
  readonly hub: string
  readonly keys: HeldKeys
}

/**
 * The token in `bytes`, its chain proved and its caveats read. Throws `cap_foreign` for one that this hub did not
 * mint, `cap_expired` for one whose root key is gone, `cap_denied` with `discharge` where a third party's is missing.
 * @see specs/capabilities.md, section 6
 */
export function verifyToken(bytes: Uint8Array, { crypto, hub, keys }: Verifying): VerifiedToken {
  const token = decodeToken(bytes)
  const { macaroon } = token
  const identifier = decodeIdentifier(macaroon.identifier)
  if (macaroon.location !== hub) throw foreign('location', 'it was minted by another hub')
  const key = keys.chainKey(identifier.kid)
  const walked = walkToken(crypto, token, key ?? STAND_IN_KEY)
  if (key === undefined) throw withoutKey(identifier.kid, keys.current)
  if (!walked.isSigned) throw foreign('signature', 'its signature is not of this hub')
  if (!walked.isDischarged) throw denied('discharge')
  return { ...identifier, tenantId: ownTenant(token), ...readCaveats(token, walked) }
}

/** A copy, because the token's bytes belong to a frame that will be overwritten. */
const ownTenant = ({ macaroon }: Token): Uint8Array => new Uint8Array(tenantOf(macaroon.identifier))

const withoutKey = (kid: number, current: number): OapError =>
  kid > current
    ? foreign('kid', 'its root key is not of this hub')
    : new OapError('cap_expired', 'the root key of the capability is retired', { reason: 'kid' })

const foreign = (reason: string, why: string): OapError =>
  new OapError('cap_foreign', `capability: ${why}`, { reason })
