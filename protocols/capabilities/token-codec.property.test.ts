import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { OapError } from '../errors.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { MAX_TOKEN_BYTES } from './macaroon.ts'
import type { Macaroon, RawCaveat, Token } from './macaroon.ts'
import { decodeToken, encodeToken, tokenBytes, tokenText } from './token-codec.ts'
import { decodeIdentifier, encodeIdentifier } from './token-identifier.ts'

const RUNS = { numRuns: 2000 }

const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength })
const locations = fc.stringMatching(/^[ -~]{0,40}$/)

const caveats: fc.Arbitrary<RawCaveat> = fc.oneof(
  fc.record({ identifier: bytes(1, 200) }),
  fc.record(
    { identifier: bytes(1, 40), vid: bytes(72), location: locations },
    { requiredKeys: ['identifier', 'vid'] }
  )
)

const macaroons: fc.Arbitrary<Macaroon> = fc.record(
  {
    location: locations,
    identifier: bytes(1, 200),
    caveats: fc.array(caveats, { maxLength: 5 }),
    signature: bytes(32)
  },
  { requiredKeys: ['identifier', 'caveats', 'signature'] }
)

const tokens: fc.Arbitrary<Token> = fc.record({
  macaroon: macaroons,
  discharges: fc.array(macaroons, { maxLength: 2 })
})

const plain = (token: Token): unknown =>
  JSON.parse(JSON.stringify(token, (_, value) => (value instanceof Uint8Array ? [...value] : value)))

test('gives back every token that it writes, as bytes and as text', () => {
  fc.assert(
    fc.property(tokens, token => {
      const written = encodeToken(token)

      assert.deepEqual(plain(decodeToken(written)), plain(token))
      assert.deepEqual(plain(decodeToken(tokenBytes(tokenText(token)))), plain(token))
    }),
    RUNS
  )
})

const edits = fc.array(fc.tuple(fc.nat(1000), fc.nat(255)), { maxLength: 3 })
const hostile = fc.oneof(
  fc.tuple(tokens, edits, fc.nat(3)).map(([token, changes, cut]) => {
    const written = encodeToken(token)
    for (const [at, value] of changes) written[at % written.length] = value
    return written.subarray(0, written.length - cut)
  }),
  bytes(0, 300),
  bytes(0, 200).map(tail => Uint8Array.of(2, 2, 1, 65, 0, ...tail))
)

test('refuses hostile bytes with one error, and what it takes has no other form', () => {
  let taken = 0
  fc.assert(
    fc.property(hostile, input => {
      let token: Token
      try {
        token = decodeToken(input)
      } catch (error) {
        assert.ok(error instanceof OapError, String(error))
        assert.deepEqual([error.code, error.reason], ['cap_foreign', 'malformed'])
        return
      }
      taken++
      assert.deepEqual([...encodeToken(token)], [...input])
    }),
    RUNS
  )
  assert.ok(taken > 50, `${taken} taken`)
})

test('reads nothing of a token that is too long', () => {
  const input = new Proxy(new Uint8Array(MAX_TOKEN_BYTES + 1), {
    get: (target, name) => (name === 'length' ? target.length : assert.fail(`read ${String(name)}`))
  })

  assert.throws(() => decodeToken(input), { code: 'cap_foreign', reason: 'malformed' })
})

test('writes nothing that it would refuse', () => {
  const good: Macaroon = { identifier: Uint8Array.of(1), caveats: [], signature: new Uint8Array(32) }
  const wrong: readonly Macaroon[] = [
    { ...good, identifier: new Uint8Array(0) },
    { ...good, signature: new Uint8Array(31) },
    { ...good, location: 'hé' },
    { ...good, identifier: new Uint8Array(5000) },
    { ...good, caveats: Array(65).fill({ identifier: Uint8Array.of(1) }) },
    { ...good, caveats: [{ identifier: Uint8Array.of(1), location: 'x' }] },
    { ...good, caveats: [{ identifier: Uint8Array.of(1), vid: new Uint8Array(71) }] }
  ]

  for (const macaroon of wrong)
    assert.throws(() => encodeToken({ macaroon, discharges: [] }), { code: 'cap_foreign' })
})

test('takes the same base64url as a common decoder, and no text that it would not write', () => {
  fc.assert(
    fc.property(bytes(0, 60), input => {
      const text = encodeBase64url(input)
      assert.equal(text, Buffer.from(input).toString('base64url'))
      assert.deepEqual(decodeBase64url(text), input)
    }),
    RUNS
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_=+/ -]{0,12}$/), text => {
      const decoded = decodeBase64url(text)
      if (decoded !== undefined) assert.equal(encodeBase64url(decoded), text)
    }),
    RUNS
  )
})

const identifiers = fc.record(
  {
    capId: bytes(16).map(id => Buffer.from(id).toString('hex')),
    kid: fc.integer({ min: 1, max: 0xffff_ffff }),
    tenant: fc.uuid().filter(uuid => !/^[0-]*$/.test(uuid)),
    subject: fc.stringMatching(/^[!-~]{1,128}$/),
    iat: fc.maxSafeNat()
  },
  { requiredKeys: ['capId', 'kid', 'tenant', 'iat'] }
)

test('gives back every identifier, and leaves the bytes as they were', () => {
  fc.assert(
    fc.property(identifiers, identifier => {
      const written = encodeIdentifier(identifier)
      const inBuffer = Buffer.from(written)

      assert.deepEqual(decodeIdentifier(inBuffer), { ...identifier })
      assert.deepEqual([...inBuffer], [...written])
    }),
    RUNS
  )
})

test('refuses hostile identifiers with one error, and what it takes has no other form', () => {
  const changed = fc.tuple(identifiers, edits).map(([identifier, changes]) => {
    const written = encodeIdentifier(identifier)
    for (const [at, value] of changes) written[at % written.length] = value
    return written
  })
  fc.assert(
    fc.property(fc.oneof(changed, bytes(0, 200)), input => {
      let identifier
      try {
        identifier = decodeIdentifier(input)
      } catch (error) {
        assert.ok(error instanceof OapError && error.code === 'cap_foreign', String(error))
        return
      }
      assert.deepEqual([...encodeIdentifier(identifier)], [...input])
    }),
    RUNS
  )
})

test('names the member of an identifier that does not fit', () => {
  const good = { capId: '0'.repeat(32), kid: 1, tenant: '01020304-0506-0708-090a-0b0c0d0e0f10', iat: 0 }
  const wrong: readonly [member: string, change: object][] = [
    ['capId', { capId: '00' }],
    ['capId', { capId: 'G'.repeat(32) }],
    ['kid', { kid: 0 }],
    ['kid', { kid: 2 ** 32 }],
    ['tenant', { tenant: '00000000-0000-0000-0000-000000000000' }],
    ['tenant', { tenant: 'x' }],
    ['subject', { subject: 'a b' }],
    ['subject', { subject: 'a'.repeat(129) }],
    ['iat', { iat: -1 }],
    ['iat', { iat: 0.5 }]
  ]

  for (const [member, change] of wrong)
    assert.throws(() => encodeIdentifier({ ...good, ...change }), {
      code: 'bad_request',
      message: new RegExp(`^${member}`)
    })
})
