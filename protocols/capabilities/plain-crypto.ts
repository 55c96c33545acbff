import type { MacaroonCrypto } from './macaroon-crypto.ts'
import { hmacSha256, sha256 } from './sha256.ts'

/** NaCl secretbox, which third-party caveats need and no browser has. */
export type SecretBox = Pick<MacaroonCrypto, 'seal' | 'open'>

const NO_BOX: SecretBox = {
  seal: () => {
    throw new TypeError('a third-party caveat needs a secretbox: give plainMacaroonCrypto one')
  },
  open: () => undefined
}

/**
 * What macaroons need, in plain JavaScript: for browsers, where hashes of the platform do not answer at once. A hub has
 * faster ones. Without a `box` no third-party caveat can be added, and a token with one is never proved.
 */
export const plainMacaroonCrypto = ({ seal, open }: SecretBox = NO_BOX): MacaroonCrypto => ({
  hmacSha256,
  sha256,
  equal,
  randomBytes: length => crypto.getRandomValues(new Uint8Array(length)),
  seal,
  open
})

function equal(a: Uint8Array, b: Uint8Array): boolean {
  let differs = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differs |= a[i]! ^ (b[i] ?? 0)
  return differs === 0
}
