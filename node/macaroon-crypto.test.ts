import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import test from 'node:test'
import fc from 'fast-check'
import { nodeMacaroonCrypto as crypto } from './macaroon-crypto.ts'

const RUNS = { numRuns: 1000 }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const ofHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

test('gives the HMAC that Node gives, for keys and messages of any length', () => {
  const keys = fc.uint8Array({ maxLength: 200 })
  const messages = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ minLength: 4000, maxLength: 5000 })
  )
  fc.assert(
    fc.property(keys, messages, (key, message) => {
      assert.equal(
        hex(crypto.hmacSha256(key, message)),
        createHmac('sha256', key).update(message).digest('hex')
      )
      assert.equal(hex(crypto.sha256(message)), createHash('sha256').update(message).digest('hex'))
    }),
    RUNS
  )
})

test('a result stays what it was when the next one is computed', () => {
  const first = crypto.hmacSha256(Uint8Array.of(1), Uint8Array.of(2))
  const before = hex(first)

  crypto.hmacSha256(Uint8Array.of(3), Uint8Array.of(4))

  assert.equal(hex(first), before)
})

// The example of NaCl's documentation for crypto_secretbox, as its tests print it.
const KEY = ofHex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389')
const NONCE = ofHex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
const PLAIN = ofHex(
  'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705'
)
const SEALED =
  'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5'

test('seals as NaCl does, and opens only what was sealed', () => {
  const sealed = crypto.seal(KEY, NONCE, PLAIN)

  assert.equal(hex(sealed), SEALED)
  assert.equal(hex(crypto.open(KEY, NONCE, sealed)!), hex(PLAIN))
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice()
    changed[at]! ^= 1
    assert.equal(crypto.open(KEY, NONCE, changed), undefined)
  }
  assert.equal(crypto.open(KEY, NONCE, new Uint8Array(3)), undefined)
})
