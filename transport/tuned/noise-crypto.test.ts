import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { defaultCrypto, pureJsCrypto } from '@libp2p/noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'
import { cachedKeyCrypto } from './noise-crypto.ts'

const SIZES = [0, 1, 127, 511, 512, 767, 768, 769, 1199, 1200, 65_519]
const AD = { none: new Uint8Array(0), hash: randomBytes(32) }

void describe('noise crypto with cached keys', () => {
  for (const [name, ad] of Object.entries(AD)) {
    void test(`seals the same bytes as stock with ${name} as associated data, and opens them`, () => {
      const [key, nonce] = [randomBytes(32), randomBytes(12)]
      for (const size of SIZES) {
        const plaintext = randomBytes(size)
        const pieces = new Uint8ArrayList(plaintext.subarray(0, size >> 1), plaintext.subarray(size >> 1))

        const sealed = bytes(cachedKeyCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key))

        assert.deepEqual(sealed, bytes(pureJsCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)))
        assert.deepEqual(sealed, bytes(cachedKeyCrypto.chaCha20Poly1305Encrypt(pieces, nonce, ad, key)))
        assert.deepEqual(bytes(cachedKeyCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key)), plaintext)
        const cut = new Uint8ArrayList(sealed.subarray(0, 7), sealed.subarray(7))
        assert.deepEqual(bytes(cachedKeyCrypto.chaCha20Poly1305Decrypt(cut, nonce, ad, key)), plaintext)
      }
    })
  }

  void test('refuses a record in which one bit was changed', () => {
    const [key, nonce] = [randomBytes(32), randomBytes(12)]
    for (const size of SIZES) {
      const sealed = bytes(defaultCrypto.chaCha20Poly1305Encrypt(randomBytes(size), nonce, AD.none, key))
      for (const at of [0, size >> 1, sealed.byteLength - 1]) {
        const changed = Buffer.from(sealed)
        changed[at]! ^= 1
        assert.throws(() => cachedKeyCrypto.chaCha20Poly1305Decrypt(changed, nonce, AD.none, key))
      }
    }
  })
})

function bytes(data: Uint8Array | Uint8ArrayList): Buffer {
  return Buffer.from(data.subarray())
}
