import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Invite,
  MAX_INVITE_CHARS,
  MAX_INVITE_S,
  decodeInvite,
  encodeInvite,
  inviteAuditId,
  inviteProblem,
  secretDigest
} from './invite.ts'
import { HUB, OTHER_HUB } from './keys.fixture.ts'

const ADDRESS = '/ip4/192.0.2.7/tcp/4801/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const INVITE: Invite = {
  hub: HUB.hub,
  addresses: [ADDRESS],
  secret: new Uint8Array(16).fill(5),
  expires: 1_795_000_900
}

const address = fc.stringMatching(/^\/[!-~]{1,254}$/)
const invites: fc.Arbitrary<Invite> = fc.record(
  {
    hub: fc.constantFrom(HUB.hub, OTHER_HUB.hub),
    addresses: fc.array(address, { minLength: 1, maxLength: 8 }),
    secret: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    expires: fc.integer({ min: 1, max: 8_640_000_000_000 })
  },
  { noNullPrototype: true }
)

test('reads back what it writes, in base64url that fits a line of bounded length', () => {
  fc.assert(
    fc.property(invites, invite => {
      const text = encodeInvite(invite)

      assert.match(text, /^[A-Za-z0-9_-]+$/)
      assert.ok(text.length <= MAX_INVITE_CHARS)
      assert.deepEqual(decodeInvite(text), invite)
    })
  )
})

test('no character of an invite can be changed, left out or added', () => {
  const text = encodeInvite(INVITE)
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === 'A' ? 'B' : 'A'
    for (const wrong of [
      text.slice(0, at) + other + text.slice(at + 1),
      text.slice(0, at) + text.slice(at + 1),
      text.slice(0, at) + other + text.slice(at)
    ])
      assert.throws(() => decodeInvite(wrong), SyntaxError, `at ${at}`)
  }
})

const WRONG: readonly (readonly [string, (body: Buffer) => Buffer, RegExp])[] = [
  ['another version', body => set(body, 0, 2), /later version/],
  ['no address', body => Buffer.concat([set(body, 57, 0).subarray(0, 58)]), /expected 1 to 8, found 0/],
  ['more addresses than there are', body => set(body, 57, 2), /addresses: cut off/],
  [
    'fewer addresses than there are',
    body => Buffer.concat([body, Buffer.from('\x02/a')]),
    /something follows/
  ],
  [
    'nine addresses',
    body =>
      Buffer.concat([
        set(body, 57, 9).subarray(0, 58),
        ...Array.from({ length: 9 }, () => Buffer.from('\x02/a'))
      ]),
    /found 9/
  ],
  ['an address that is none', body => set(body, 59, 0x61), /^addresses\[0\]: not a multiaddr/],
  ['an address with a space', body => set(body, 60, 0x20), /^addresses\[0\]: not a multiaddr/],
  [
    'a weak key',
    body => Buffer.concat([body.subarray(0, 1), Buffer.alloc(32), body.subarray(33)]),
    /^hub: not a usable key/
  ],
  [
    'no time',
    body => Buffer.concat([body.subarray(0, 49), Buffer.alloc(8), body.subarray(57)]),
    /^expires: not a time/
  ],
  ['a time beyond all dates', body => set(body, 56, 0xff), /^expires: not a time/]
]

for (const [what, change, problem] of WRONG) {
  test(`refuses an invite with ${what}, although its check fits`, () => {
    const body = Buffer.from(encodeInvite(INVITE), 'base64url').subarray(0, -4)

    assert.throws(() => decodeInvite(checked(change(body))), { name: 'SyntaxError', message: problem })
  })
}

for (const [what, change] of [
  ['no address', { addresses: [] }],
  ['an address that is too long', { addresses: [`/${'a'.repeat(255)}`] }],
  ['a short secret', { secret: new Uint8Array(15) }],
  ['no hub', { hub: 'h1' }],
  ['a fraction of a second', { expires: 1.5 }]
] as const) {
  test(`writes no invite with ${what}`, () => {
    assert.throws(() => encodeInvite({ ...INVITE, ...change }), SyntaxError)
  })
}

test('answers hostile text with SyntaxError only', () => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  const texts = fc.oneof(
    fc.string(),
    bytes.map(some => Buffer.from(some).toString('base64url')),
    bytes.map(some => checked(Buffer.concat([Buffer.from([1]), some])))
  )
  fc.assert(
    fc.property(texts, text => {
      try {
        assert.equal(encodeInvite(decodeInvite(text)), text)
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error))
      }
    }),
    { numRuns: 500 }
  )
  assert.throws(() => decodeInvite('A'.repeat(1e6)), /longer than 4096/)
})

test('holds until it expires, and for no longer than a quarter of an hour and a minute of skew', () => {
  const at = (nowS: number) => inviteProblem(INVITE, nowS)
  const given = INVITE.expires - MAX_INVITE_S

  assert.deepEqual(
    [at(given - 61), at(given - 60), at(given), at(INVITE.expires - 1), at(INVITE.expires)],
    ['too_long', undefined, undefined, undefined, 'expired']
  )
})

test('the digest of a secret is its SHA-256', () => {
  assert.equal(
    Buffer.from(secretDigest(Buffer.from('abc'))).toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  )
})

test('what an audit log calls an invite is a digest of its own, not the key of the proofs', () => {
  const secret = Uint8Array.from({ length: 16 }, (_, n) => n)

  assert.equal(
    inviteAuditId(secretDigest(secret)),
    'bda9990a1a81cc187d98694dd6b49b0a159b1f9e7f1685d7a0f5c538ac3d0ac5'
  )
})

function set(body: Buffer, at: number, byte: number): Buffer {
  const changed = Buffer.from(body)
  changed[at] = byte
  return changed
}

function checked(body: Uint8Array): string {
  const check = createHash('sha256').update(body).digest().subarray(0, 4)
  return Buffer.concat([body, check]).toString('base64url')
}
