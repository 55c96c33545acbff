import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPIRES, HUB, PEER, bytesOf, minted, verifying } from './capability.fixture.ts'
import { inspectToken } from './inspect.ts'
import { verifyToken } from './verify.ts'

test('says what verification says', () => {
  const bytes = bytesOf(
    minted([
      { key: 'verb', value: ['echo:call'] },
      { key: 'peer', value: PEER }
    ])
  )

  assert.deepEqual(inspectToken(bytes), { ...verifyToken(bytes, verifying), hub: HUB })
})

test('reads limits of a token whose key nobody has', () => {
  const bytes = bytesOf(minted([{ key: 'rate', value: 5 }]))
  bytes[bytes.length - 1]! ^= 1

  const { limits, unmet } = inspectToken(bytes)

  assert.equal(limits.rates[0]?.most, 5)
  assert.equal(limits.expires, EXPIRES)
  assert.equal(unmet, undefined)
})

test('names a caveat that nobody knows', () => {
  const bytes = Buffer.from(bytesOf(minted([{ key: 'rate', value: 5 }])))
  bytes.write('wave', bytes.indexOf('rate <='))

  assert.equal(inspectToken(bytes).unmet, 'wave')
})

test('refuses bytes that are no token', () => {
  assert.throws(() => inspectToken(Uint8Array.of(1, 2, 3)), { code: 'cap_foreign', reason: 'malformed' })
})
