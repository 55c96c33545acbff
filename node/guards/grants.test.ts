import assert from 'node:assert/strict'
import test from 'node:test'
import { tenantBytes } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'
import {
  Connection,
  NONE,
  NOW_S,
  OTHER_TENANT,
  TENANT,
  bytesOf,
  guarding,
  headOf,
  minted,
  plenty,
  reasonOf
} from './call-guard.fixture.ts'
import { withdrawnSince } from './call-guard.ts'
import { Grant } from './grant.ts'
import type { GrantTerms } from './grant.ts'

const PEER_HUB = `h1${'b'.repeat(52)}`
const SHARE = '0a'.repeat(16)
const NIL = '00000000-0000-0000-0000-000000000000'
const terms: GrantTerms = {
  hub: PEER_HUB,
  verbs: ['sample:read', 'sample:write', 'sample:watch', 'sample:fetch'],
  shares: [{ id: SHARE, tenant: TENANT, dir: 'both', topics: ['dispatch/*'] }],
  rates: { calls: plenty, bytes: plenty, streams: 100 },
  expires: undefined
}
const granting = (changed: Partial<GrantTerms> = {}): Grant => new Grant({ ...terms, ...changed })
const ON_TOPIC = { topic: 'dispatch/SF' }

function linked(changed: Partial<GrantTerms> = {}, options: Parameters<typeof guarding>[0] = {}) {
  const guarded = guarding(options)
  const connection = new Connection()
  const state = connection as unknown as ConnectionState
  guarded.grants.set(state, granting(changed))
  const review = withdrawnSince(() => undefined, guarded.grants)
  return { ...guarded, connection, state, review }
}

test('a call without a token on the connection of a linked hub is judged by its grant', async () => {
  const { guard, connection } = linked()
  const head = headOf(NONE, { header: ON_TOPIC, connection })

  assert.equal(await guard(head), undefined)

  // It is known by its link, and no longer than that lasts.
  assert.equal(connection.isProved, false)
  assert.deepEqual(
    [head.call.principal, head.call.tenant, head.call.granted?.share, head.call.capability],
    [`hub:${PEER_HUB}`, TENANT, SHARE, undefined]
  )
})

test('a call that comes is heard of, allowed or not, and one that is judged again is not', async () => {
  const { guard, grants, connection, state, review } = linked()
  const grant = granting()
  grants.set(state, grant)
  assert.equal(grant.takeHeard(), false)

  const head = headOf(NONE, { header: ON_TOPIC, connection })
  await guard(head)
  assert.deepEqual([grant.takeHeard(), grant.takeHeard()], [true, false])
  assert.equal(review(head.call as never), undefined)
  assert.equal(grant.takeHeard(), false)

  await guard(headOf(NONE, { header: { topic: 'private/x' }, connection }))
  assert.equal(grant.takeHeard(), true)
})

test('a grant is of its one connection: another of the same peer has none', async () => {
  const { guard } = linked()

  assert.deepEqual(reasonOf(await guard(headOf(NONE, { header: ON_TOPIC }))), ['cap_missing', undefined])
})

test('a frame with a token is judged by the token alone, and never by what token and grant allow together', async () => {
  const { guard, connection } = linked()
  const narrow = bytesOf(minted([{ key: 'verb', value: ['sample:open'] }]))
  const wide = headOf(bytesOf(minted([{ key: 'verb', value: ['sample:write'] }])), { connection })
  const foreign = Uint8Array.of(1, 2, 3)

  assert.deepEqual(reasonOf(await guard(headOf(narrow, { header: ON_TOPIC, connection }))), [
    'cap_denied',
    'verb'
  ])
  assert.deepEqual(reasonOf(await guard(headOf(foreign, { header: ON_TOPIC, connection }))), [
    'cap_foreign',
    'malformed'
  ])
  assert.equal(await guard(wide), undefined)
  assert.deepEqual([wide.call.principal, wide.call.tenant], [`cap:${'ab'.repeat(16)}`, OTHER_TENANT])
  assert.equal(wide.call.granted, undefined)
})

test('what the grant does not allow is refused with its key, and recorded for the hub first', async () => {
  const { guard, connection, recorded } = linked({ verbs: ['sample:write'] })
  const refused = async (asked: Parameters<typeof headOf>[1]) =>
    reasonOf(await guard(headOf(NONE, { connection, ...asked })))

  assert.deepEqual(await refused({ op: 'read' }), ['cap_denied', 'verb'])
  assert.deepEqual(await refused({ header: { topic: 'private/x' } }), ['cap_denied', 'topic'])
  assert.deepEqual(await refused({ header: ON_TOPIC, tenant: OTHER_TENANT }), ['cap_denied', 'tenant'])
  assert.deepEqual(await refused({ header: { ...ON_TOPIC, share: 'x' } }), ['cap_denied', 'share'])
  assert.deepEqual(
    recorded.map(({ principal }) => principal),
    Array(4).fill(`hub:${PEER_HUB}`)
  )
})

test('a call about no topic is nobody’s, whatever tenant its frame would like', async () => {
  const { guard, connection } = linked()
  const head = headOf(NONE, { op: 'read', connection })

  assert.equal(await guard(head), undefined)
  assert.equal(head.call.tenant, NIL)
  assert.deepEqual(reasonOf(await guard(headOf(NONE, { op: 'read', tenant: TENANT, connection }))), [
    'cap_denied',
    'tenant'
  ])
})

test('content is not allowed by a treaty of topics', async () => {
  const { guard, connection } = linked()

  assert.deepEqual(reasonOf(await guard(headOf(NONE, { op: 'fetch', connection }))), [
    'cap_denied',
    'content'
  ])
})

test('a frame may name the tenant of the share', async () => {
  const { guard, connection } = linked()

  assert.equal(tenantBytes(TENANT)?.length, 16)
  assert.equal(await guard(headOf(NONE, { header: ON_TOPIC, tenant: TENANT, connection })), undefined)
})

test('a treaty that becomes narrower ends the calls that it does not allow, at once and no others', async () => {
  const { guard, grants, connection, state, review } = linked()
  const watch = headOf(NONE, { op: 'watch', header: ON_TOPIC, connection })
  const follow = headOf(NONE, { op: 'follow', connection })
  await guard(watch)
  await guard(follow)
  const told: unknown[] = []
  grants.onChange(() => told.push(reasonOf(review(watch.call)), reasonOf(review(follow.call))))

  grants.set(state, granting({ shares: [] }))

  assert.deepEqual(told, [['cap_denied', 'topic'], undefined])
})

test('a share that maps to another tenant ends the calls that read the first one', async () => {
  const { guard, grants, connection, state, review } = linked()
  const watch = headOf(NONE, { op: 'watch', header: ON_TOPIC, connection })
  await guard(watch)

  grants.set(state, granting({ shares: [{ ...terms.shares[0]!, tenant: OTHER_TENANT }] }))

  assert.deepEqual(reasonOf(review(watch.call)), ['cap_denied', 'tenant'])
})

test('a grant that is taken back, as when the connection closes, is gone with all its calls', async () => {
  const { guard, grants, connection, state, review } = linked()
  const follow = headOf(NONE, { op: 'follow', connection })
  await guard(follow)
  let told = 0
  grants.onChange(() => told++)

  assert.deepEqual([grants.remove(state), grants.remove(state), grants.size, told], [true, false, 0, 1])

  const ended = review(follow.call)
  assert.deepEqual([ended?.status, ...reasonOf(ended)!], [401, 'cap_revoked', 'grant'])
  assert.deepEqual(reasonOf(await guard(headOf(NONE, { op: 'follow', connection }))), [
    'cap_missing',
    undefined
  ])
})

test('when its treaty expires the calls under a grant are told once, and further ones are refused', async () => {
  let now = NOW_S
  const { guard, grants, connection, review } = linked({ expires: NOW_S + 10 }, { seconds: () => now })
  const follow = headOf(NONE, { op: 'follow', connection })
  await guard(follow)
  let told = 0
  grants.onChange(() => told++)

  grants.expire()
  assert.deepEqual([told, review(follow.call)], [0, undefined])
  now += 10
  grants.expire()
  grants.expire()

  assert.equal(told, 1)
  assert.deepEqual(reasonOf(review(follow.call)), ['cap_expired', 'expires'])
  assert.deepEqual(reasonOf(await guard(headOf(NONE, { op: 'follow', connection }))), [
    'cap_expired',
    'expires'
  ])
})

test('a share whose tenant was removed allows nothing, and calls about others go on', async () => {
  const { guard, gone, connection, review } = linked()
  const watch = headOf(NONE, { op: 'watch', header: ON_TOPIC, connection })
  const follow = headOf(NONE, { op: 'follow', connection })
  await guard(watch)
  await guard(follow)

  gone.add(TENANT)

  assert.deepEqual(reasonOf(review(watch.call)), ['cap_revoked', 'tenant'])
  assert.equal(review(follow.call), undefined)
  assert.deepEqual(reasonOf(await guard(headOf(NONE, { header: ON_TOPIC, connection }))), [
    'cap_revoked',
    'tenant'
  ])
})

test('all connections of a hub spend from its buckets, and nothing of the tenant whose share they use', async () => {
  const few = { ...terms.rates, calls: { burst: 3, perSecond: 1 } }
  const { guard, grants, connection } = linked({ rates: few })
  const second = new Connection()
  grants.set(second as unknown as ConnectionState, granting({ rates: few }))
  const other = new Connection()
  grants.set(other as unknown as ConnectionState, granting({ rates: few, hub: `h1${'c'.repeat(52)}` }))
  const call = async (on: Connection) => guard(headOf(NONE, { header: ON_TOPIC, connection: on }))

  const told = [await call(connection), await call(second), await call(connection), await call(second)]

  assert.deepEqual(told.slice(0, 3), [undefined, undefined, undefined])
  assert.deepEqual([told[3]?.status, ...reasonOf(told[3])!], [429, 'quota_capability', 'calls'])
  assert.ok(told[3]!.retryAfterMs! >= 1000 && told[3]!.retryAfterMs! <= 5000)
  assert.equal(await call(other), undefined)
  // The tenant of the share may make five calls at once in this fixture, and has made none.
  const own = bytesOf(minted([], TENANT))
  for (let n = 0; n < 5; n++) assert.equal(await guard(headOf(own)), undefined)
})

test('a hub may not have more streams open than its treaty says, nor send more bytes', async () => {
  const { guard, connection } = linked({
    rates: { calls: plenty, bytes: { burst: 200, perSecond: 100 }, streams: 1 }
  })
  const first = headOf(NONE, { op: 'follow', connection })
  const call = async (op: 'follow' | 'read') => reasonOf(await guard(headOf(NONE, { op, connection })))

  assert.equal(await guard(first), undefined)
  assert.deepEqual(await call('follow'), ['quota_capability', 'streams'])
  first.call.onOver!()
  assert.equal(await call('follow'), undefined)
  first.call.spending!.answered(200)
  assert.deepEqual(await call('read'), ['quota_capability', 'bytes'])
  assert.ok(first.call.spending!.streamed(300, 0) > 0)
  assert.equal(first.call.spending!.spend(1e9), true)
})

test('what a call sends to beside its own topic must lie in the share that it is in', async () => {
  const [second, archive] = ['0b'.repeat(16), OTHER_TENANT]
  const { guard, grants, connection, state } = linked({
    shares: [...terms.shares, { id: second, tenant: archive, dir: 'both', topics: ['archive/*'] }]
  })
  const { call, ...head } = headOf(NONE, { header: ON_TOPIC, connection })
  await guard({ ...head, call })
  const to = (topic: string) => reasonOf(grants.sendRefusal(call, 'sample:write', topic))

  assert.equal(to('dispatch/LA'), undefined)
  assert.deepEqual(to('archive/1'), ['cap_denied', 'topic'])
  assert.deepEqual(reasonOf(grants.sendRefusal(call, 'sample:other', 'dispatch/LA')), ['cap_denied', 'verb'])
  grants.remove(state)
  assert.deepEqual(to('dispatch/LA'), ['cap_revoked', 'grant'])
})
