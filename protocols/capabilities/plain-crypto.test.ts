import assert from 'node:assert/strict'
// oxlint-disable-next-line no-restricted-imports -- what the plain code is compared with
import { createHash, createHmac } from 'node:crypto'
import test from 'node:test'
import { FIVE, bytesOf, crypto, minted, use, verifying } from './capability.fixture.ts'
import { refusalOf } from './judge.ts'
import { attenuate, attenuateByThirdParty } from './mint.ts'
import { plainMacaroonCrypto } from './plain-crypto.ts'
import { hmacSha256, sha256 } from './sha256.ts'
import { verifyToken } from './verify.ts'

const plain = plainMacaroonCrypto()
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 131 + length) & 0xff)

test('hashes as Node does, at every length around its blocks and at a long one', () => {
  for (const length of [...Array(200).keys(), 4096, 100_000]) {
    const message = bytes(length)
    assert.equal(
      hexOf(sha256(message)),
      createHash('sha256').update(message).digest('hex'),
      `${length} bytes`
    )
  }
})

test('authenticates as Node does, with keys shorter and longer than a block', () => {
  for (const length of [0, 1, 22, 32, 63, 64, 65, 200])
    for (const size of [0, 1, 55, 64, 500]) {
      const expected = createHmac('sha256', bytes(length)).update(bytes(size)).digest('hex')
      assert.equal(hexOf(hmacSha256(bytes(length), bytes(size))), expected, `key ${length}, message ${size}`)
    }
})

test('narrows to the same bytes, and proves and judges alike', () => {
  const token = bytesOf(attenuate(plain, minted(), FIVE))

  assert.deepEqual(token, bytesOf(attenuate(crypto, minted(), FIVE)))
  const proved = verifyToken(token, { ...verifying, crypto: plain })
  assert.deepEqual(proved, verifyToken(token, verifying))
  assert.equal(refusalOf(proved, use), undefined)
  const changed = token.slice()
  changed[changed.length - 1]! ^= 1
  assert.throws(() => verifyToken(changed, { ...verifying, crypto: plain }), { reason: 'signature' })
})

test('without a secretbox there are no third-party caveats, and no token with one is proved', () => {
  const third = { identifier: bytes(5), rootKey: bytes(32) }
  const token = bytesOf(attenuateByThirdParty(crypto, minted(), third))

  assert.throws(() => attenuateByThirdParty(plain, minted(), third), /needs a secretbox/)
  assert.throws(() => verifyToken(token, { ...verifying, crypto: plain }), { reason: 'discharge' })
  assert.notDeepEqual(plain.randomBytes(16), plain.randomBytes(16))
  assert.equal(plain.equal(bytes(4), bytes(5)), false)
})

const hexOf = (hash: Uint8Array): string => Buffer.from(hash).toString('hex')
