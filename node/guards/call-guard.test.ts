import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError, attenuate, mint } from '../../protocols/index.ts'
import type { Caveat } from '../../protocols/index.ts'
import { nodeMacaroonCrypto as crypto } from '../macaroon-crypto.ts'
import { withdrawnSince } from './call-guard.ts'
import {
  Connection,
  HUB,
  KEY,
  NONE,
  NOW_S,
  OTHER_TENANT,
  TENANT,
  PEER,
  bytesOf,
  guarding,
  headOf,
  minted,
  reasonOf
} from './call-guard.fixture.ts'
import type { Asked } from './call-guard.fixture.ts'

test('open verbs pass, whatever token comes with them, and others need one', async () => {
  const { guard } = guarding()

  assert.equal(await guard(headOf(NONE, { op: 'open' })), undefined)
  assert.equal(await guard(headOf(Uint8Array.of(1, 2, 3), { op: 'open' })), undefined)
  assert.deepEqual(reasonOf(await guard(headOf(NONE))), ['cap_missing', undefined])
})

test('a token for the verb passes, and makes its connection known and its tenant the token’s', async () => {
  const { guard } = guarding()
  const connection = new Connection()
  const head = headOf(bytesOf(minted([{ key: 'verb', value: ['sample:write'] }])), { connection })

  assert.equal(await guard(head), undefined)

  assert.equal(connection.isProved, true)
  assert.equal(head.call.tenant, OTHER_TENANT)
})

test('a token that does not allow the verb is refused, and that is recorded first', async () => {
  const { guard, recorded } = guarding()
  const connection = new Connection()
  const cap = bytesOf(minted([{ key: 'verb', value: ['sample:write'] }]))

  const error = await guard(headOf(cap, { op: 'read', connection }))

  assert.deepEqual(reasonOf(error), ['cap_denied', 'verb'])
  assert.deepEqual([recorded.length, connection.isProved], [1, false])
})

for (const [what, caveats, asked, expected] of [
  ['another peer', [], { peer: '12D3KooWthief' }, 'peer'],
  ['another tenant in the frame', [], { tenant: TENANT }, 'tenant'],
  ['a topic outside', [{ key: 'topic', value: ['dispatch/*'] }], { header: { topic: 'other/x' } }, 'topic'],
  ['no topic at all', [{ key: 'topic', value: ['dispatch/*'] }], {}, 'topic'],
  ['a write', [{ key: 'read-only', value: true }], {}, 'read-only'],
  ['another app', [{ key: 'app', value: [1] }], {}, 'app']
] as const satisfies readonly (readonly [string, readonly Caveat[], Asked, string])[]) {
  test(`refuses ${what} with the caveat's key`, async () => {
    const { guard } = guarding()

    assert.deepEqual(reasonOf(await guard(headOf(bytesOf(minted(caveats)), asked))), ['cap_denied', expected])
  })
}

for (const [what, cap] of [
  ['no token', NONE],
  ['a token for another verb', bytesOf(minted([{ key: 'verb', value: ['sample:write'] }]))],
  ['a token for other content', bytesOf(minted([{ key: 'content', value: ['bafkother'] }]))]
] as const) {
  test(`${what} makes a call anonymous where a refusal would tell what is stored`, async () => {
    const { guard, recorded } = guarding()
    const connection = new Connection()
    const head = headOf(cap, { op: 'look', header: { cid: 'bafkthis' }, connection })

    assert.equal(await guard(head), undefined)

    assert.deepEqual(
      [head.call.capability, head.call.granted, head.call.principal],
      [undefined, undefined, 'anonymous']
    )
    assert.deepEqual([recorded.length, connection.isProved], [0, false])
  })
}

test('what such a call may do with a right to it, it does under that', async () => {
  const { guard } = guarding()
  const allowed = bytesOf(minted([{ key: 'content', value: ['bafkthis'] }]))
  const head = headOf(allowed, { op: 'look', header: { cid: 'bafkthis' } })

  assert.equal(await guard(head), undefined)
  assert.equal(head.call.tenant, OTHER_TENANT)
})

test('a token that proves nothing, is revoked, or has spent its rate is refused there, too', async () => {
  const { guard, revoked } = guarding()
  const look = (cap: Uint8Array) => headOf(cap, { op: 'look' })
  const slow = bytesOf(minted([{ key: 'rate', value: 1 }], OTHER_TENANT, 'ef'.repeat(16)))

  assert.equal(await guard(look(slow)), undefined)
  assert.deepEqual(reasonOf(await guard(look(slow))), ['quota_capability', undefined])
  assert.deepEqual(reasonOf(await guard(look(Uint8Array.of(1, 2, 3)))), ['cap_foreign', 'malformed'])
  revoked.add('ab'.repeat(16))
  assert.deepEqual(reasonOf(await guard(look(bytesOf(minted())))), ['cap_revoked', undefined])
})

test('takes a bearer token only where that is allowed', async () => {
  const bearer = mint(crypto, {
    hub: HUB,
    key: KEY,
    capId: 'cd'.repeat(16),
    kid: 1,
    tenant: OTHER_TENANT,
    iat: NOW_S,
    caveats: [{ key: 'expires', value: NOW_S + 900 }]
  })

  assert.deepEqual(reasonOf(await guarding().guard(headOf(bytesOf(bearer)))), ['cap_denied', 'peer'])
  assert.equal(await guarding({ takesBearer: true }).guard(headOf(bytesOf(bearer))), undefined)
})

test('a revoked token is refused at once, though its chain was verified a moment ago', async () => {
  const { guard, revoked } = guarding()
  const cap = bytesOf(minted())
  const connection = new Connection()
  assert.equal(await guard(headOf(cap, { connection })), undefined)

  revoked.add('ab'.repeat(16))

  assert.deepEqual(reasonOf(await guard(headOf(cap, { connection }))), ['cap_revoked', undefined])
})

test('tells which running calls a revocation ends', async () => {
  const { guard, grants } = guarding()
  const head = headOf(bytesOf(minted()))
  await guard(head)
  const review = (capId: string) =>
    withdrawnSince(
      token => (token.capId === capId ? new OapError('cap_revoked') : undefined),
      grants
    )(head.call)

  assert.equal(review('cd'.repeat(16)), undefined)
  assert.equal(review('ab'.repeat(16))?.code, 'cap_revoked')
})

test('a tenant that has spent its quota waits, and a frame that claims its name costs it nothing', async () => {
  const { guard } = guarding()
  const ofTenant = bytesOf(minted([], TENANT))
  const forged = bytesOf(minted([], OTHER_TENANT))
  for (let i = 0; i < 100; i++) await guard(headOf(forged, { tenant: TENANT }))
  for (let i = 0; i < 100; i++) await guard(headOf(NONE, { op: 'open', tenant: TENANT }))

  const told: unknown[] = []
  for (let i = 0; i < 6; i++) told.push(reasonOf(await guard(headOf(ofTenant)))?.[0])

  assert.deepEqual(told, [...Array(5).fill(undefined), 'quota_tenant'])
})

test('a thousand narrowed copies share the rate of the token that they come from', async () => {
  const { guard } = guarding()
  const parent = minted([{ key: 'rate', value: 10 }])
  const copies = Array.from({ length: 1000 }, (_, i) =>
    bytesOf(attenuate(crypto, parent, [{ key: 'expires', value: NOW_S + 100 + i }]))
  )

  const told = []
  for (const cap of copies) told.push(await guard(headOf(cap)))

  assert.equal(told.filter(error => error === undefined).length, 10)
  assert.ok(told.slice(10).every(error => error?.code === 'quota_capability' && error.retryAfterMs! >= 1000))
})

test('counts long calls until they are over', async () => {
  const { guard } = guarding()
  const cap = bytesOf(minted([{ key: 'streams', value: 1 }]))
  const first = headOf(cap, { op: 'follow' })

  assert.equal(await guard(first), undefined)
  assert.equal((await guard(headOf(cap, { op: 'follow' })))?.code, 'quota_capability')
  first.call.onOver!()
  assert.equal(await guard(headOf(cap, { op: 'follow' })), undefined)
})

test('copies of a token spend its bytes together, in both directions, until there are none', async () => {
  const { guard } = guarding()
  const parent = minted([{ key: 'max-bytes', value: 1000 }])
  const copies = [1, 2, 3].map(i =>
    bytesOf(attenuate(crypto, parent, [{ key: 'expires', value: NOW_S + i }]))
  )
  const first = headOf(copies[0]!, { op: 'read', bodyBytes: 400 })

  assert.equal(await guard(first), undefined)
  assert.equal(first.call.spending!.spend(500), true)
  assert.deepEqual(reasonOf(await guard(headOf(copies[1]!, { op: 'read', bodyBytes: 101 }))), [
    'cap_denied',
    'max-bytes'
  ])
  assert.equal(await guard(headOf(copies[2]!, { op: 'read', bodyBytes: 100 })), undefined)
  assert.equal(first.call.spending!.spend(1), false)
})

test('under pressure writes are shed before reads, and before a token is looked at', async () => {
  const shedding = (level: 'writes' | 'calls') => guarding({ shedding: () => level }).guard
  const garbage = Uint8Array.of(1, 2, 3)

  assert.equal((await shedding('writes')(headOf(garbage)))?.code, 'saturated')
  assert.equal(await shedding('writes')(headOf(NONE, { op: 'open' })), undefined)
  assert.equal((await shedding('calls')(headOf(NONE, { op: 'open' })))?.code, 'saturated')
})

test('under pressure what makes room is shed no sooner than what only reads', async () => {
  const shedding = (level: 'writes' | 'calls') => guarding({ shedding: () => level }).guard

  assert.equal(await shedding('writes')(headOf(NONE, { op: 'clear' })), undefined)
  assert.equal((await shedding('calls')(headOf(NONE, { op: 'clear' })))?.code, 'saturated')
})

test('a call that comes too late is refused before its token is looked at, by its peer, its row and its time', async () => {
  const asked: unknown[] = []
  const refuses = (...args: unknown[]): boolean => asked.push(args) < 3
  const { guard, recorded } = guarding({ late: { refuses } })

  const [write, clear, open] = [
    await guard(headOf(NONE)),
    await guard(headOf(NONE, { op: 'clear' })),
    await guard(headOf(NONE, { op: 'open' }))
  ]

  assert.deepEqual([write?.code, clear?.code, open], ['saturated', 'saturated', undefined])
  assert.ok(write!.retryAfterMs! >= 1000 && write!.retryAfterMs! <= 5000)
  assert.deepEqual(asked, [
    [PEER, false, 0],
    [PEER, true, 0],
    [PEER, false, 0]
  ])
  assert.equal(recorded.length, 0)
})

test('what is shed anyhow is not judged for coming late', async () => {
  const late = { refuses: () => assert.fail('it was asked for') }
  const { guard } = guarding({ shedding: () => 'calls', late })

  assert.equal((await guard(headOf(NONE)))?.code, 'saturated')
})

test('what was judged where it came in is not judged again for coming late, and is shed like all else', async () => {
  const late = { refuses: () => assert.fail('it was asked for') }
  const judging = (level: 'nothing' | 'writes') =>
    guarding({ shedding: () => level, late, isJudged: peer => peer === PEER }).guard

  assert.equal((await judging('nothing')(headOf(NONE)))?.code, 'cap_missing')
  assert.equal((await judging('writes')(headOf(NONE)))?.code, 'saturated')
})

test('on a disk without room a write is refused as disk_full with a time to come back, and nothing else is', async () => {
  const on = (shedding: 'nothing' | 'writes' | 'calls') =>
    guarding({ shedding: () => shedding, writeRefusal: () => 'disk_full' }).guard
  const refusal = await on('writes')(headOf(NONE))

  assert.deepEqual([refusal?.code, refusal?.status, refusal?.retryable], ['disk_full', 503, true])
  assert.ok(refusal!.retryAfterMs! >= 1000 && refusal!.retryAfterMs! <= 5000)
  assert.equal((await on('calls')(headOf(NONE)))?.code, 'disk_full')
  assert.equal((await on('calls')(headOf(NONE, { op: 'open' })))?.code, 'saturated')
  assert.equal(await on('writes')(headOf(NONE, { op: 'open' })), undefined)
  assert.equal(await on('writes')(headOf(NONE, { op: 'clear' })), undefined)
  assert.equal((await on('nothing')(headOf(NONE)))?.code, 'cap_missing')
})

test('garbage in place of a token is refused and recorded nowhere', async () => {
  const { guard, recorded } = guarding()

  const error = await guard(headOf(Uint8Array.of(2, 1, 0)))

  assert.equal(error?.code, 'cap_foreign')
  assert.equal(recorded.length, 0)
})
