import type { MacaroonHmac } from './macaroon-crypto.ts'

const KEY_GENERATOR = new TextEncoder().encode('macaroons-key-generator')
const NO_KEY = new Uint8Array(32)

/** The key with which the chain of a macaroon begins, from its root key. */
export const chainKey = ({ hmacSha256 }: MacaroonHmac, rootKey: Uint8Array): Uint8Array =>
  hmacSha256(KEY_GENERATOR, rootKey)

/** The link that covers two fields. */
export function linkOfTwo(
  { hmacSha256 }: MacaroonHmac,
  key: Uint8Array,
  one: Uint8Array,
  other: Uint8Array
): Uint8Array {
  const both = new Uint8Array(64)
  both.set(hmacSha256(key, one))
  both.set(hmacSha256(key, other), 32)
  return hmacSha256(key, both)
}

/** The signature of a discharge that counts beside the macaroon with `signature` only. */
export const boundSignature = (
  hmac: MacaroonHmac,
  signature: Uint8Array,
  discharge: Uint8Array
): Uint8Array => linkOfTwo(hmac, NO_KEY, signature, discharge)
