import { nodeMacaroonCrypto as crypto } from 'omnigate'
import { chainKey } from 'omnigate/protocols'
import type { HeldKeys, Macaroon, MacaroonCrypto, RawCaveat, Token } from 'omnigate/protocols'

/** The hub of the vectors, so that their tokens are its own. */
export const HUB = 'h1abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst'
export const KID = 3
const ROOT_KEY = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i)
const THIRD_PARTY_KEY = Uint8Array.from({ length: 32 }, (_, i) => 0x60 + i)
const NONCE_BYTES = 24

/** Counts what each proof costs. */
export class CountedCrypto implements MacaroonCrypto {
  hmacs = 0
  opened = 0
  readonly #inner: MacaroonCrypto

  constructor(inner: MacaroonCrypto) {
    this.#inner = inner
  }

  hmacSha256 = (key: Uint8Array, message: Uint8Array): Uint8Array => {
    this.hmacs++
    return this.#inner.hmacSha256(key, message)
  }
  open = (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined => {
    this.opened++
    return this.#inner.open(key, nonce, sealed)
  }
  sha256 = (bytes: Uint8Array): Uint8Array => this.#inner.sha256(bytes)
  equal = (a: Uint8Array, b: Uint8Array): boolean => this.#inner.equal(a, b)
  seal = (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array =>
    this.#inner.seal(key, nonce, plain)
  /** Always the same, so that one seed makes one run. */
  randomBytes = (length: number): Uint8Array => new Uint8Array(length)
}

export const keysOf = (hmac: MacaroonCrypto): HeldKeys => ({
  current: KID,
  chainKey: kid => (kid === KID ? chainKey(hmac, ROOT_KEY) : undefined)
})

/**
 * The token with the signatures that its hub and the third parties would have made: its chain is computed here anew,
 * from the text of the specification and not with the code that is tried.
 */
export function resigned({ macaroon, discharges }: Token): Token {
  const root = signed({ ...macaroon, location: HUB }, chainKey(crypto, ROOT_KEY))
  const third = chainKey(crypto, THIRD_PARTY_KEY)
  return {
    macaroon: root,
    discharges: discharges.map(each => {
      const made = signed(each, third)
      return { ...made, signature: ofTwo(new Uint8Array(32), root.signature, made.signature) }
    })
  }
}

function signed(macaroon: Macaroon, key: Uint8Array): Macaroon {
  let signature = crypto.hmacSha256(key, macaroon.identifier)
  const caveats = macaroon.caveats.map((caveat): RawCaveat => {
    if (caveat.vid === undefined) {
      signature = crypto.hmacSha256(signature, caveat.identifier)
      return caveat
    }
    const nonce = caveat.vid.subarray(0, NONCE_BYTES)
    const vid = Buffer.concat([nonce, crypto.seal(signature, nonce, chainKey(crypto, THIRD_PARTY_KEY))])
    signature = ofTwo(signature, vid, caveat.identifier)
    return { ...caveat, vid }
  })
  return { ...macaroon, caveats, signature }
}

const ofTwo = (key: Uint8Array, one: Uint8Array, other: Uint8Array): Uint8Array =>
  crypto.hmacSha256(key, Buffer.concat([crypto.hmacSha256(key, one), crypto.hmacSha256(key, other)]))
