import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  OapError,
  attenuate,
  bindForRequest,
  decodeToken,
  encodeToken,
  refusalOf
} from '../../protocols/index.ts'
import type { Caveat } from '../../protocols/index.ts'
import { nodeMacaroonCrypto as crypto } from '../macaroon-crypto.ts'
import { NOW_S, OPERATOR, PEER, hubCapabilities } from './capabilities.fixture.ts'
import type { MintRequest } from './mint-policy.ts'
import { MAX_KIDS } from './minted-list.ts'
import { HUB } from './revocation.fixture.ts'

const RENEWABLE: MintRequest = {
  verb: 'echo:call',
  tenant: 'default',
  peer: PEER,
  ttl_s: 600,
  renew_until: NOW_S + 3600,
  rate: 10
}
const OTHER_PEER = '12D3KooWJHhnF64TXSmyxNkhPkXAHtYNRy86LuvGQu1LTi5vrJCL'

test('a renewed token is the same right with a later end', async () => {
  const { hub, verify, lines, pass, events } = await hubCapabilities()
  const first = await hub.mint({ ...RENEWABLE, subject: 'robot' }, OPERATOR)
  pass(400)

  const second = await hub.renew(verify(first.token), PEER, 'ab'.repeat(8))

  const { capId, tenant, subject, iat, kid } = verify(second.token)
  const before = verify(first.token)
  assert.deepEqual([capId, tenant, subject, iat, kid], [before.capId, before.tenant, 'robot', before.iat, 1])
  assert.deepEqual(lines(second.token), [...lines(first.token).slice(0, -1), `expires < ${NOW_S + 1000}`])
  assert.equal(second.expires, NOW_S + 1000)
  assert.deepEqual(events.at(-1), {
    type: 'renew',
    actor: `cap:${capId}`,
    corrId: 'ab'.repeat(8),
    data: { cap_id: capId, kid: 1, expires_s: NOW_S + 1000 }
  })
  assert.equal(hub.list()[0]?.expires, NOW_S + 1000)
})

test('a renewed token spends from the same buckets', async () => {
  const { hub, verify, pass } = await hubCapabilities()
  const first = verify((await hub.mint(RENEWABLE, OPERATOR)).token)
  pass(10)
  const second = verify((await hub.renew(first, PEER)).token)
  pass(10)
  const third = verify((await hub.renew(second, PEER)).token)

  assert.deepEqual(second.limits.rates, first.limits.rates)
  assert.deepEqual(third.limits.rates, first.limits.rates)
})

test('no renewal lasts beyond renew-until, and then there is none', async () => {
  const { hub, verify, pass } = await hubCapabilities()
  let { token } = await hub.mint(RENEWABLE, OPERATOR)
  const ends: number[] = []

  for (let i = 0; i < 6; i++) {
    pass(590)
    const { token: next, expires } = await hub.renew(verify(token), PEER)
    token = next
    ends.push(expires - NOW_S)
  }

  assert.deepEqual(ends, [1190, 1780, 2370, 2960, 3550, 3600])
  await assert.rejects(hub.renew(verify(token), PEER), refusal('cap_denied', 'renew-until'))
})

test('an expired token is renewed no more', async () => {
  const { hub, verify, pass } = await hubCapabilities()
  const { token } = await hub.mint(RENEWABLE, OPERATOR)

  pass(600 + 60)

  await assert.rejects(hub.renew(verify(token), PEER), refusal('cap_expired', 'expires'))
})

test('a token is renewed for the peer that it is bound to, and for no other', async () => {
  const { hub, verify } = await hubCapabilities()
  const { token } = await hub.mint(RENEWABLE, OPERATOR)

  await assert.rejects(hub.renew(verify(token), OTHER_PEER), refusal('cap_denied', 'peer'))
})

test('a token that was not minted to be renewed is not, and no holder can change that', async () => {
  const { hub, verify } = await hubCapabilities()
  const { renew_until: _, ...once } = RENEWABLE
  const bound = await hub.mint(once, OPERATOR)
  const { peer: __, ...anyone } = once
  const bearer = await hub.mint({ ...anyone, bearer: true }, OPERATOR)
  const claimed = narrowed(bearer.token, [
    { key: 'peer', value: PEER },
    { key: 'app', value: [2] }
  ])

  await assert.rejects(hub.renew(verify(bound.token), PEER), refusal('cap_denied', 'renew-until'))
  await assert.rejects(hub.renew(verify(claimed), PEER), refusal('cap_denied', 'renew-until'))
})

test('what a holder narrowed stays narrow: its verbs, its topics and its end', async () => {
  const { hub, verify, lines, pass } = await hubCapabilities()
  const { token } = await hub.mint(RENEWABLE, OPERATOR)
  const copy = narrowed(token, [
    { key: 'topic', value: ['a/b'] },
    { key: 'read-only', value: true }
  ])
  const short = narrowed(token, [{ key: 'expires', value: NOW_S + 700 }])
  pass(500)

  const renewed = await hub.renew(verify(copy), PEER)
  const shortly = await hub.renew(verify(short), PEER)

  assert.deepEqual(lines(renewed.token).slice(-3), ['topic = a/b', 'read-only', `expires < ${NOW_S + 1100}`])
  assert.deepEqual(lines(shortly.token).slice(-2), [`expires < ${NOW_S + 1100}`, `expires < ${NOW_S + 700}`])
  assert.equal(shortly.expires, NOW_S + 700)
  assert.equal(verify(shortly.token).limits.expires, NOW_S + 700)
  await assert.rejects(hub.renew(verify(shortly.token), PEER), refusal('cap_denied', 'expires'))
})

test('a token with text that nobody knows is not renewed', async () => {
  const { hub, verify } = await hubCapabilities()
  const { token } = await hub.mint(RENEWABLE, OPERATOR)
  const { macaroon } = decodeToken(token)
  const identifier = Buffer.from('colour = blue')
  const strange = {
    ...macaroon,
    caveats: [...macaroon.caveats, { identifier }],
    signature: crypto.hmacSha256(macaroon.signature, identifier)
  }

  const bytes = encodeToken({ macaroon: strange, discharges: [] })

  await assert.rejects(hub.renew(verify(bytes), PEER), refusal('cap_denied', 'colour'))
})

test('a renewal allows no call that the token before it did not allow, but for when', async () => {
  const { hub, verify, pass } = await hubCapabilities()
  const { token } = await hub.mint({ ...RENEWABLE, verb: 'a:b,c:d' }, OPERATOR)
  pass(100)
  const caveat: fc.Arbitrary<Caveat> = fc.oneof(
    fc.constantFrom('a:b', 'c:d', 'e:f').map(verb => ({ key: 'verb' as const, value: [verb] })),
    fc.constantFrom('x', '*', 'x/**').map(topic => ({ key: 'topic' as const, value: [topic] })),
    fc.constantFrom(1, 2).map(app => ({ key: 'app' as const, value: [app] })),
    fc.constant({ key: 'read-only' as const, value: true as const }),
    fc.integer({ min: 50, max: 2000 }).map(s => ({ key: 'expires' as const, value: NOW_S + s }))
  )
  const use = fc.record({
    verb: fc.constantFrom('a:b', 'c:d', 'e:f'),
    app: fc.constantFrom(1, 2),
    topic: fc.constantFrom(undefined, 'x', 'x/y'),
    writes: fc.boolean(),
    now: fc.integer({ min: NOW_S + 100, max: NOW_S + 1000 })
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(caveat, { maxLength: 4 }),
      use,
      fc.integer({ min: 1, max: 3 }),
      async (caveats, call, times) => {
        const old = verify(narrowed(token, caveats))
        let fresh = old
        for (let i = 0; i < times; i++) {
          const renewed = await hub.renew(fresh, PEER).catch(() => undefined)
          if (renewed !== undefined) fresh = verify(renewed.token)
        }
        if (fresh === old) return
        const asked = { ...call, bytes: 0, tenantId: undefined, peer: PEER, hub: HUB }
        // As if it had not expired: the renewed token is judged as of the time at which the old one was alive.
        const before = refusalOf(old, { ...asked, now: NOW_S + 100 })
        const after = refusalOf(fresh, asked)

        if (before !== undefined) assert.notEqual(after, undefined)
        const ends = caveats.flatMap(each => (each.key === 'expires' ? [each.value] : []))
        assert.ok(fresh.limits.expires <= Math.min(NOW_S + 3600, ...ends))
      }
    )
  )
})

test('a right that the hub has forgotten, or under another root key, is not renewed', async () => {
  const { hub, verify, minted, nowS } = await hubCapabilities()
  const { token, capId } = await hub.mint(RENEWABLE, OPERATOR)
  const right = minted.get(capId)!
  const known = verify(token)

  await minted.put({ ...right, kids: [7] }, nowS())
  await assert.rejects(hub.renew(known, PEER), refusal('cap_denied', 'renew-until'))
  await minted.put({ ...right, tenant: 'other' }, nowS())
  await assert.rejects(hub.renew(known, PEER), refusal('cap_denied', 'renew-until'))
  await minted.put({ ...right, kids: Array.from({ length: MAX_KIDS }, (_, i) => i + 1) }, nowS())
  await assert.rejects(hub.renew(known, PEER), refusal('cap_denied', 'renew-until'))
  await minted.put({ ...right, expires: 0 }, nowS())
  await minted.forget(nowS())
  await assert.rejects(hub.renew(known, PEER), refusal('cap_denied', 'renew-until'))
})

test('a right can be renewed ten times at once, and then four times in the life of a token', async () => {
  const { hub, verify, pass, events } = await hubCapabilities()
  const token = verify((await hub.mint(RENEWABLE, OPERATOR)).token)
  const recorded = events.length

  for (let i = 0; i < 10; i++) await hub.renew(token, PEER)
  await assert.rejects(hub.renew(token, PEER), refusal('quota_capability', undefined))
  pass(600 / 4)
  await hub.renew(token, PEER)
  await assert.rejects(hub.renew(token, PEER), refusal('quota_capability', undefined))

  assert.equal(events.length - recorded, 11)
})

test('a renewed token outlives the rotation of its root key', async () => {
  const { hub, verify, pass } = await hubCapabilities()
  const first = await hub.mint(RENEWABLE, OPERATOR)
  await hub.rotate({ graceMs: 300_000 }, OPERATOR)
  pass(200)

  const second = await hub.renew(verify(first.token), PEER)
  pass(200)

  assert.equal(second.kid, 2)
  assert.throws(() => verify(first.token), refusal('cap_expired', 'kid'))
  assert.equal(hub.withdrawal(verify(second.token)), undefined)
})

test('a renewed token does not outlive the revocation of its right', async () => {
  const { hub, verify } = await hubCapabilities()
  const first = await hub.mint(RENEWABLE, OPERATOR)
  await hub.rotate({}, OPERATOR)
  const second = await hub.renew(verify(first.token), PEER)

  await hub.revoke({ cap_id: first.capId }, 'lost', OPERATOR)

  assert.equal(hub.withdrawal(verify(second.token))?.code, 'cap_revoked')
  await assert.rejects(hub.renew(verify(second.token), PEER), refusal('cap_revoked', 'cap_id'))
})

test('a renewed token does not outlive the revocation of the root key that it was first minted under', async () => {
  const { hub, verify, events } = await hubCapabilities()
  const first = await hub.mint(RENEWABLE, OPERATOR)
  await hub.rotate({}, OPERATOR)
  const renewed = await hub.renew(verify(first.token), PEER)
  const later = await hub.mint(RENEWABLE, OPERATOR)

  const statements = await hub.revoke({ kid: 1 }, undefined, OPERATOR)

  assert.equal(statements, 2)
  assert.equal(hub.withdrawal(verify(renewed.token))?.reason, 'cap_id')
  assert.equal(hub.withdrawal(verify(later.token)), undefined)
  assert.deepEqual(events.at(-1)?.data, { kid: 1, revocation_seq: 2 })
})

test('a renewal under way when a root key is revoked does not escape', async () => {
  const { hub, verify } = await hubCapabilities()
  const first = await hub.mint(RENEWABLE, OPERATOR)
  await hub.rotate({}, OPERATOR)

  const [, renewed] = await Promise.all([
    hub.revoke({ kid: 1 }, undefined, OPERATOR),
    hub.renew(verify(first.token), PEER)
  ])

  assert.equal(hub.withdrawal(verify(renewed.token))?.reason, 'cap_id')
})

const narrowed = (token: Uint8Array, caveats: readonly Caveat[]): Uint8Array =>
  encodeToken(bindForRequest(crypto, attenuate(crypto, decodeToken(token).macaroon, caveats)))

function refusal(code: string, reason: string | undefined) {
  return (error: unknown) => {
    assert.ok(error instanceof OapError, String(error))
    assert.deepEqual([error.code, error.reason], [code, reason])
    return true
  }
}
