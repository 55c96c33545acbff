import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUsablePublicKey } from './ed25519.ts'
import { hubId, hubPublicKey } from './hub-id.ts'

const KEY = Buffer.from('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8', 'hex')
const ID = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'

test('writes a public key as h1 and unpadded lower-case base32', () => {
  assert.equal(hubId(KEY), ID)
})

test('reads every hub id back to its key', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter(isUsablePublicKey)
  fc.assert(fc.property(key, bytes => assert.deepEqual(hubPublicKey(hubId(bytes)), bytes)))
})

const WRONG = [
  '',
  'h1',
  ID.toUpperCase(),
  ID.slice(0, -1),
  `${ID}a`,
  `h2${ID.slice(2)}`,
  `${ID.slice(0, -1)}b`
]

for (const text of WRONG) {
  test(`takes ${JSON.stringify(text)} for no hub id`, () => {
    assert.equal(hubPublicKey(text), undefined)
  })
}

test('takes the id of a weak or non-canonical key for none', () => {
  assert.equal(hubPublicKey(`h1${'a'.repeat(52)}`), undefined)
  assert.equal(isUsablePublicKey(Buffer.alloc(32, 0xff)), false)
  assert.equal(isUsablePublicKey(KEY), true)
})
