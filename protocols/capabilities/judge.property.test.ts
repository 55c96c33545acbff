import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { EXPIRES, HUB, PEER, bytesOf, crypto, ends, minted, use, verifying } from './capability.fixture.ts'
import { caveatText, parseCaveat } from './caveat.ts'
import type { Caveat } from './caveat.ts'
import { refusalOf } from './judge.ts'
import type { CapabilityUse } from './judge.ts'
import { attenuate } from './mint.ts'
import { verifyToken } from './verify.ts'
import type { VerifiedToken } from './verified-token.ts'

const RUNS = { numRuns: 3000 }

const some = <T>(...values: readonly T[]) => fc.subarray([...values], { minLength: 1 })
const TENANT = '01020304-0506-0708-090a-0b0c0d0e0f10'
const OTHER_HUB = `h1${'b'.repeat(52)}`
const times = fc.integer({ min: EXPIRES - 200, max: EXPIRES + 200 })

const caveats: fc.Arbitrary<Caveat> = fc.oneof(
  some('a:x', 'a:y', 'b:x').map(value => ({ key: 'verb' as const, value })),
  some('a', 'a/b', 'a/*', '*/b', 'a/**', '**').map(value => ({ key: 'topic' as const, value })),
  fc.constantFrom(TENANT, TENANT.replace('1', '2')).map(value => ({ key: 'tenant' as const, value })),
  some(1, 2, 0x0201).map(value => ({ key: 'app' as const, value })),
  times.map(value => ({ key: 'expires' as const, value })),
  times.map(value => ({ key: 'not-before' as const, value })),
  times.map(value => ({ key: 'renew-until' as const, value })),
  fc.constantFrom(PEER, 'QmOther'.replace('O', 'P')).map(value => ({ key: 'peer' as const, value })),
  some('bafy1', 'bafy2').map(value => ({ key: 'content' as const, value })),
  fc.integer({ min: 1, max: 5 }).map(value => ({ key: 'max-bytes' as const, value })),
  fc.integer({ min: 1, max: 5 }).map(value => ({ key: 'rate' as const, value })),
  fc.integer({ min: 1, max: 5 }).map(value => ({ key: 'streams' as const, value })),
  fc.constantFrom(HUB, OTHER_HUB).map(value => ({ key: 'audience' as const, value })),
  fc.constant({ key: 'origin' as const, value: { hub: OTHER_HUB, capId: '0'.repeat(32) } }),
  fc.constant({ key: 'read-only' as const, value: true as const })
)

const uses: fc.Arbitrary<CapabilityUse> = fc.record({
  verb: fc.constantFrom('a:x', 'a:y', 'b:x'),
  app: fc.constantFrom(1, 2, 0x0201),
  topic: fc.option(fc.constantFrom('a', 'a/b', 'a/b/c', 'c/b'), { nil: undefined }),
  content: fc.option(fc.constantFrom('bafy1', 'bafy2'), { nil: undefined }),
  bytes: fc.nat(6),
  writes: fc.boolean(),
  tenantId: fc.constant(undefined),
  peer: fc.constant(PEER),
  hub: fc.constant(HUB),
  now: times
})

const lists = fc.array(caveats, { maxLength: 5 })
const proved = (more: readonly Caveat[], to: readonly Caveat[] = []): VerifiedToken =>
  verifyToken(bytesOf(attenuate(crypto, minted(to), more)), verifying)

test('what a narrowed token allows, its parent allows and what was added allows, and it allows nothing less', () => {
  let allowed = 0
  fc.assert(
    fc.property(lists, lists, uses, (before, added, call) => {
      const isAllowed = (token: VerifiedToken) => refusalOf(token, call) === undefined
      const narrowed = isAllowed(proved(added, before))

      assert.equal(narrowed, isAllowed(proved([], before)) && isAllowed(proved(added)))
      if (narrowed) allowed++
    }),
    RUNS
  )
  assert.ok(allowed > 100, `${allowed} of the calls were allowed`)
})

test('a narrowed token keeps each limit of its parent, and only adds to them', () => {
  fc.assert(
    fc.property(lists, lists, (before, added) => {
      const parent = proved([], before).limits
      const child = proved(added, before).limits

      for (const kind of ['rates', 'streams', 'bytes'] as const)
        assert.deepEqual(child[kind].slice(0, parent[kind].length), parent[kind])
      assert.ok(child.expires <= parent.expires)
      assert.ok((child.renewUntil ?? Infinity) <= (parent.renewUntil ?? Infinity))
      assert.ok(child.isReadOnly || !parent.isReadOnly)
      assert.deepEqual(child.origins.slice(0, parent.origins.length), parent.origins)
      if (parent.peer !== undefined) assert.equal(child.peer, parent.peer)
    }),
    RUNS
  )
})

test('reads back every caveat that it writes', () => {
  fc.assert(
    fc.property(caveats, caveat => assert.deepEqual(parseCaveat(caveatText(caveat)), caveat)),
    RUNS
  )
})

test('a text that it takes is the only text of that caveat', () => {
  const changed = fc.tuple(caveats, fc.nat(80), fc.string({ maxLength: 2 })).map(([caveat, at, patch]) => {
    const text = caveatText(caveat)
    const from = at % (text.length + 1)
    return text.slice(0, from) + patch + text.slice(from + patch.length)
  })
  fc.assert(
    fc.property(fc.oneof(changed, fc.string({ maxLength: 40 })), text => {
      const parsed = parseCaveat(text)
      if (!('unknown' in parsed)) assert.equal(caveatText(parsed), text)
      else assert.match(parsed.unknown, /^[a-z][a-z0-9-]{0,31}$/)
    }),
    RUNS
  )
})

test('one caveat that nobody knows allows nothing, wherever it stands', () => {
  const known = minted([{ key: 'verb', value: ['mailbox:send'] }])
  for (const text of [
    'color = red',
    'verb = Mailbox:send',
    'expires < soon',
    'read-only ',
    ' ',
    '\u007f',
    'é'
  ]) {
    const identifier = new TextEncoder().encode(text)
    const strange = {
      ...known,
      caveats: [...known.caveats, { identifier }],
      signature: crypto.hmacSha256(known.signature, identifier)
    }
    for (const macaroon of [strange, attenuate(crypto, strange, [ends])])
      assert.equal(refusalOf(verifyToken(bytesOf(macaroon), verifying), use)?.code, 'cap_denied', text)
  }
})

test('refuses what the frame claims of a tenant of another length', () => {
  const token = proved([])
  for (const length of [0, 15, 17])
    assert.equal(refusalOf(token, { ...use, tenantId: new Uint8Array(length) })?.reason, 'tenant')
})

test('names the key and never the value of what failed', () => {
  const secret = 'QmSecretPeer'
  const refusal = refusalOf(proved([{ key: 'peer', value: secret }]), use)

  assert.equal(refusal?.reason, 'peer')
  assert.doesNotMatch(refusal.message, new RegExp(secret))
})

test('is not judged by when it was minted: a token from the future is as good as its caveats', () => {
  const token = proved([])

  assert.equal(refusalOf({ ...token, iat: use.now + 86_400 }, use), undefined)
  assert.equal(refusalOf({ ...token, iat: 0 }, use), undefined)
})
