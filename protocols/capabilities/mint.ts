import { OapError } from '../errors.ts'
import { asciiBytes } from './ascii.ts'
import { caveatText } from './caveat.ts'
import type { Caveat } from './caveat.ts'
import { boundSignature, chainKey, linkOfTwo } from './chain.ts'
import { MAX_CAVEATS, NONCE_BYTES } from './macaroon.ts'
import type { Macaroon, Token } from './macaroon.ts'
import type { MacaroonCrypto, MacaroonHmac } from './macaroon-crypto.ts'
import { encodeIdentifier } from './token-identifier.ts'
import type { TokenIdentifier } from './token-identifier.ts'

export interface Minting extends TokenIdentifier {
  /** The hub id of the hub that mints. */
  readonly hub: string
  /** Of the root key with this `kid`: see `chainKey`. */
  readonly key: Uint8Array
  readonly caveats: readonly Caveat[]
}

/** A new token. Throws `bad_request` for a member that does not fit, or without a caveat `expires`. */
export function mint(crypto: MacaroonHmac, { hub, key, caveats, ...identifier }: Minting): Macaroon {
  if (!caveats.some(caveat => caveat.key === 'expires'))
    throw new OapError('bad_request', 'expires: a capability must end')
  return attenuate(crypto, begin(crypto, hub, key, encodeIdentifier(identifier)), caveats)
}

/** The macaroon with further restrictions. Needs no key and no network. Throws `bad_request`. */
export function attenuate(crypto: MacaroonHmac, macaroon: Macaroon, caveats: readonly Caveat[]): Macaroon {
  if (macaroon.caveats.length + caveats.length > MAX_CAVEATS)
    throw new OapError('bad_request', `a capability has at most ${MAX_CAVEATS} caveats`)
  return caveats.reduce((narrowed, caveat) => withFirstParty(crypto, narrowed, caveat), macaroon)
}

function withFirstParty({ hmacSha256 }: MacaroonHmac, macaroon: Macaroon, caveat: Caveat): Macaroon {
  const identifier = asciiBytes(caveatText(caveat))!
  return {
    ...macaroon,
    caveats: [...macaroon.caveats, { identifier }],
    signature: hmacSha256(macaroon.signature, identifier)
  }
}

/** What a third party and whoever asks for its word agree on beforehand. */
export interface ThirdParty {
  /** Where it is: a hint for the holder. */
  readonly location?: string
  /** What it is asked for, in a form that it understands. */
  readonly identifier: Uint8Array
  /** The root key of its discharge. */
  readonly rootKey: Uint8Array
}

/** The macaroon with the restriction that the third party must discharge it. */
export function attenuateByThirdParty(
  crypto: MacaroonCrypto,
  macaroon: Macaroon,
  { location, identifier, rootKey }: ThirdParty
): Macaroon {
  const nonce = crypto.randomBytes(NONCE_BYTES)
  const sealed = crypto.seal(macaroon.signature, nonce, chainKey(crypto, rootKey))
  const vid = new Uint8Array(nonce.length + sealed.length)
  vid.set(nonce)
  vid.set(sealed, nonce.length)
  const raw = location === undefined ? { identifier, vid } : { identifier, vid, location }
  return {
    ...macaroon,
    caveats: [...macaroon.caveats, raw],
    signature: linkOfTwo(crypto, macaroon.signature, vid, identifier)
  }
}

/** The third party's word, with restrictions of its own. It counts only once it is bound. */
export function discharge(
  crypto: MacaroonHmac,
  { location, identifier, rootKey }: ThirdParty,
  caveats: readonly Caveat[] = []
): Macaroon {
  return attenuate(crypto, begin(crypto, location, chainKey(crypto, rootKey), identifier), caveats)
}

/** The macaroon and its discharges as one token that a call carries. Nothing can be added to it afterwards. */
export function bindForRequest(
  crypto: MacaroonHmac,
  macaroon: Macaroon,
  discharges: readonly Macaroon[] = []
): Token {
  const bound = discharges.map(each => ({
    ...each,
    signature: boundSignature(crypto, macaroon.signature, each.signature)
  }))
  return { macaroon, discharges: bound }
}

function begin(
  { hmacSha256 }: MacaroonHmac,
  location: string | undefined,
  key: Uint8Array,
  identifier: Uint8Array
): Macaroon {
  const begun = { identifier, caveats: [], signature: hmacSha256(key, identifier) }
  return location === undefined ? begun : { location, ...begun }
}
