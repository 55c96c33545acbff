import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { OapError } from '../errors.ts'
import { FIVE, bytesOf, crypto, ends, minted, use, verifying } from './capability.fixture.ts'
import type { Caveat } from './caveat.ts'
import { refusalOf } from './judge.ts'
import { MAX_CAVEATS, MAX_TOKEN_BYTES } from './macaroon.ts'
import type { Macaroon } from './macaroon.ts'
import { attenuate, attenuateByThirdParty, bindForRequest, discharge } from './mint.ts'
import { encodeToken } from './token-codec.ts'
import { verifyToken } from './verify.ts'
import type { Verifying } from './verify.ts'

const RUNS = { numRuns: 1000 }
const TEXT = new TextEncoder()
const LOCATION = 'https://elsewhere.example'
const party = { location: LOCATION, identifier: TEXT.encode('paid?'), rootKey: new Uint8Array(32).fill(9) }

/** Counts the HMACs and the bytes that go into them. */
class Counted {
  hmacs = 0
  bytes = 0
  opened = 0
  compared = 0
  readonly verifying: Verifying = {
    ...verifying,
    crypto: {
      ...crypto,
      hmacSha256: (key, message) => {
        this.hmacs++
        this.bytes += message.length
        return crypto.hmacSha256(key, message)
      },
      open: (key, nonce, sealed) => {
        this.opened++
        return crypto.open(key, nonce, sealed)
      },
      equal: (a, b) => {
        this.compared++
        return crypto.equal(a, b)
      }
    }
  }
  get work() {
    return { hmacs: this.hmacs, bytes: this.bytes, opened: this.opened, compared: this.compared }
  }
}

function refusal(bytes: Uint8Array, by: Verifying = verifying): OapError | undefined {
  try {
    verifyToken(bytes, by)
    return undefined
  } catch (error) {
    assert.ok(error instanceof OapError, String(error))
    assert.ok(['cap_foreign', 'cap_expired', 'cap_denied'].includes(error.code), error.code)
    return error
  }
}

const withThirdParty = (): Macaroon => attenuateByThirdParty(crypto, minted(FIVE), party)
const discharged = (macaroon = withThirdParty()): Uint8Array =>
  encodeToken(bindForRequest(crypto, macaroon, [discharge(crypto, party)]))

test('proves what it mints, narrows and discharges', () => {
  assert.equal(refusal(bytesOf(minted(FIVE))), undefined)
  assert.equal(refusal(bytesOf(attenuate(crypto, minted(), FIVE))), undefined)
  assert.equal(refusal(discharged()), undefined)
  assert.equal(refusal(discharged(attenuate(crypto, withThirdParty(), FIVE))), undefined)
})

test('refuses every change of any one byte of a token', () => {
  const bytes = bytesOf(minted(FIVE))
  for (let at = 0; at < bytes.length; at++) {
    for (let change = 1; change < 256; change++) {
      const changed = bytes.slice()
      changed[at]! ^= change
      assert.ok(refusal(changed), `byte ${at} ^ ${change}`)
    }
  }
})

test('refuses every change of a byte of a token with a discharge, but in the two hints', () => {
  const bytes = discharged()
  const hint = TEXT.encode(LOCATION)
  const isHint = bytes.map((_, at) => {
    for (let from = Math.max(0, at - hint.length + 1); from <= at; from++)
      if (hint.every((byte, i) => bytes[from + i] === byte)) return 1
    return 0
  })

  assert.equal(
    isHint.reduce((sum, one) => sum + one),
    2 * hint.length
  )
  for (let at = 0; at < bytes.length; at++) {
    for (const change of [1, 2, 0x20, 0x80, 0xff]) {
      const changed = bytes.slice()
      changed[at]! ^= change
      if (isHint[at] !== 1) assert.ok(refusal(changed), `byte ${at} ^ ${change}`)
    }
  }
})

test('refuses every beginning of a token, and every token with something behind it', () => {
  for (const bytes of [bytesOf(minted(FIVE)), discharged()]) {
    for (let length = 0; length < bytes.length; length++)
      assert.ok(refusal(bytes.subarray(0, length)), `${length} bytes`)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), more =>
        assert.ok(refusal(Uint8Array.of(...bytes, ...more)))
      ),
      RUNS
    )
  }
})

test('refuses a token with any two caveats exchanged, or any caveat taken away', () => {
  const whole = minted(FIVE)
  for (let i = 0; i < whole.caveats.length; i++) {
    assert.equal(refusal(bytesOf({ ...whole, caveats: whole.caveats.toSpliced(i, 1) }))?.reason, 'signature')
    for (let j = 0; j < i; j++) {
      const caveats = whole.caveats.with(i, whole.caveats[j]!).with(j, whole.caveats[i]!)
      assert.equal(refusal(bytesOf({ ...whole, caveats }))?.reason, 'signature')
    }
  }
})

test('does the same work for a key that is wrong, unknown or retired as for the right one', () => {
  const wrong = new Uint8Array(32).fill(8)
  const works = [
    minted(FIVE),
    minted(FIVE, { rootKey: wrong }),
    minted(FIVE, { kid: 2 }),
    minted(FIVE, { kid: 4 })
  ].map(macaroon => {
    const counted = new Counted()
    refusal(
      encodeToken(
        bindForRequest(crypto, attenuateByThirdParty(crypto, macaroon, party), [discharge(crypto, party)])
      ),
      counted.verifying
    )
    return counted.work
  })

  for (const work of works) assert.deepEqual(work, works[0])
  assert.deepEqual({ ...works[0], bytes: 0 }, { hmacs: 6 + 3 + 1 + 3, bytes: 0, opened: 1, compared: 2 })
})

test('is not fooled by a token that is signed with the stand-in for a missing key', () => {
  const forged = (kid: number): Macaroon => {
    const { identifier, caveats } = minted([], { kid })
    let signature = crypto.hmacSha256(new Uint8Array(32), identifier)
    for (const caveat of caveats) signature = crypto.hmacSha256(signature, caveat.identifier)
    return { ...minted([], { kid }), signature }
  }

  assert.equal(refusal(bytesOf(forged(4)))?.code, 'cap_foreign')
  assert.equal(refusal(bytesOf(forged(2)))?.code, 'cap_expired')
})

test('does bounded work for whatever comes', () => {
  const begun = minted()
  const many = [...begun.caveats, ...Array<Macaroon['caveats'][0]>(63).fill({ identifier: TEXT.encode('x') })]
  const vid = new Uint8Array(72)
  const third = Array.from({ length: 40 }, (_, i) => ({ identifier: Uint8Array.of(i), vid }))
  const discharges = Array.from({ length: 12 }, (_, i) => ({
    ...begun,
    caveats: [],
    identifier: Uint8Array.of(i)
  }))
  const heavy = [
    bytesOf({ ...begun, caveats: many }),
    bytesOf({ ...begun, caveats: third }),
    bytesOf({ ...begun, caveats: third.slice(0, 20) }, discharges)
  ]
  const inputs = fc.oneof(
    fc.constantFrom(...heavy, bytesOf(minted(FIVE)), discharged()),
    fc.uint8Array({ maxLength: 6000 })
  )
  fc.assert(
    fc.property(inputs, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), (input, edits) => {
      const bytes = input.slice()
      for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value
      const counted = new Counted()

      refusal(bytes, counted.verifying)

      assert.ok(counted.hmacs <= 1 + 3 * MAX_CAVEATS + 4 * MAX_CAVEATS, `${counted.hmacs} HMACs`)
      assert.ok(counted.bytes <= 3 * MAX_TOKEN_BYTES + 8 * 64 * MAX_CAVEATS, `${counted.bytes} bytes`)
      assert.ok(counted.opened <= MAX_CAVEATS && counted.compared <= MAX_CAVEATS + 1)
    }),
    RUNS
  )
})

test('computes nothing for what is too long, or has too many caveats', () => {
  const caveats = Array<Macaroon['caveats'][0]>(33).fill({ identifier: TEXT.encode('read-only') })
  const half = bytesOf({ ...minted(), caveats })
  const counted = new Counted()

  assert.equal(refusal(new Uint8Array(MAX_TOKEN_BYTES + 1), counted.verifying)?.reason, 'malformed')
  assert.equal(refusal(Uint8Array.of(...half, ...half), counted.verifying)?.reason, 'malformed')
  assert.deepEqual(counted.work, { hmacs: 0, bytes: 0, opened: 0, compared: 0 })
})

test('does not hold on to the bytes that it was given, and leaves them as they were', () => {
  const bytes = Buffer.from(bytesOf(minted(FIVE)))
  const before = [...bytes]

  const token = verifyToken(bytes, verifying)

  assert.deepEqual([...bytes], before)
  bytes.fill(0)
  assert.equal(refusalOf(token, { ...use, tenantId: token.tenantId }), undefined)
  assert.ok(token.tenantId.some(byte => byte !== 0))
  assert.equal(token.limits.peer, use.peer)
})

test('gives copies that were narrowed after a caveat one bucket, and others another', () => {
  const rate: Caveat = { key: 'rate', value: 50 }
  const parent = minted([rate])
  const bucketOf = (macaroon: Macaroon) => verifyToken(bytesOf(macaroon), verifying).limits.rates[0]?.bucket
  const copies = Array.from({ length: 100 }, (_, i) =>
    attenuate(crypto, parent, [{ key: 'max-bytes', value: i + 1 }])
  )

  assert.deepEqual(new Set(copies.map(bucketOf)), new Set([bucketOf(parent)]))
  assert.notEqual(bucketOf(parent), bucketOf(minted([{ key: 'read-only', value: true }, rate])))
  assert.equal(bucketOf(parent)?.length, 32)
})

test('a bucket is not a signature that a wider token could be made of', () => {
  const token = minted([{ key: 'rate', value: 50 }])
  const [limit] = verifyToken(bytesOf(token), verifying).limits.rates

  assert.ok(Buffer.from(token.signature).toString('hex').startsWith(limit!.bucket))
  assert.equal(Buffer.from(limit!.bucket, 'hex').length, 16)
})

test('is not minted without an end, with too many caveats, or with a value that no reader takes', () => {
  const refused = { code: 'bad_request' }
  assert.throws(() => attenuate(crypto, minted(), Array(64).fill(ends)), refused)
  for (const caveat of [
    { key: 'verb', value: [] },
    { key: 'verb', value: ['a:b,c:d e'] },
    { key: 'expires', value: 1.5 },
    { key: 'rate', value: 0 },
    { key: 'app', value: [0x1_0000] },
    { key: 'peer', value: 'a b' },
    { key: 'topic', value: ['a\nb'] }
  ] as Caveat[])
    assert.throws(() => attenuate(crypto, minted(), [caveat]), {
      ...refused,
      message: new RegExp(`^${caveat.key}`)
    })
})

test('cannot be narrowed once a discharge is bound to it', () => {
  const { macaroon, discharges } = bindForRequest(crypto, withThirdParty(), [discharge(crypto, party)])
  const narrowed = attenuate(crypto, macaroon, [{ key: 'read-only', value: true }])

  assert.equal(refusal(encodeToken({ macaroon, discharges })), undefined)
  assert.equal(refusal(encodeToken({ macaroon: narrowed, discharges }))?.reason, 'discharge')
})
