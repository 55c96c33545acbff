import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError, capabilityAdminOperations } from '../../protocols/index.ts'
import type { Call, JsonObject, VerifiedToken } from '../../protocols/index.ts'
import { OPERATOR_CALL, capabilityAdmin } from './admin-handlers.ts'
import { NOW_S, PEER, hubCapabilities } from './capabilities.fixture.ts'
import { capabilitiesOf } from './handlers.ts'
import { EMPTY_LIST, parseRevocation, revocationProblem } from './revocation-statement.ts'
import { HUB, HUB_DELEGATION, SIGNER } from './revocation.fixture.ts'
import { RevocationList } from './revocation-list.ts'
import { capabilitiesInMemory } from './folder.ts'
import { unsignedKeys } from './revocation-keys.ts'
import { canonicalJson } from '../../federation/index.ts'

test('a token that the operator mints is one that its holder can have renewed', async () => {
  const { hub, verify, pass } = await hubCapabilities()
  const minted = await capabilityAdmin(hub).cap_mint(
    { verb: 'echo:call', tenant: 'default', peer: PEER, renew_until: NOW_S + 9000 },
    call()
  )
  pass(600)

  const capability = verify(minted.body!)
  const renewed = await capabilitiesOf(hub).handlers.renew({}, call({ capability }))

  assert.deepEqual(
    [renewed.cap_id, renewed.kid, renewed.expires, renewed.now],
    [minted.cap_id, 1, NOW_S + 1500, NOW_S + 600]
  )
  assert.equal(verify(renewed.body!).limits.expires, NOW_S + 1500)
})

test('there is no renewal for a call without a token', async () => {
  const { hub } = await hubCapabilities()

  await assert.rejects(async () => capabilitiesOf(hub).handlers.renew({}, call()), refusal('cap_missing', ''))
})

test('answers with statements and delegations in the form that a linked hub verifies', async () => {
  const revocations = new RevocationList({ signer: SIGNER })
  const kept = {
    ...capabilitiesInMemory(HUB),
    revocations,
    signing: { ...unsignedKeys, delegations: [HUB_DELEGATION] }
  }
  const { hub } = await hubCapabilities({ kept })
  await revocations.revoke([{ kid: 1 }, { subject: 'x' }], { nowS: 2000, reason: 'moved' })

  const answer = (await capabilitiesOf(hub).handlers.revocations({ from: 0 }, call())) as {
    seq: number
    statements: JsonObject[]
    delegations: JsonObject[]
  }

  const [first] = answer.statements.map(each => parseRevocation(canonicalJson(each)))
  assert.deepEqual([answer.seq, answer.statements.length, answer.delegations.length], [2, 2, 1])
  assert.equal(revocationProblem(first!, EMPTY_LIST, HUB_DELEGATION), undefined)
  assert.deepEqual(await capabilitiesOf(hub).handlers.revocations({ from: 2 }, call()), {
    ...answer,
    statements: []
  })
})

test('the longest answer with statements fits one JSON object', async () => {
  const { hub } = await hubCapabilities()
  const admin = capabilityAdmin(hub)
  for (let i = 0; i < 40; i++) {
    const subject = `${i}`.padEnd(128, '"')
    await admin.cap_revoke({ subject, reason: '"'.repeat(256) }, call())
  }

  const answer = await capabilitiesOf(hub).handlers.revocations({ from: 0 }, call())

  assert.ok(JSON.stringify(answer).length < 65_536 - 4096)
})

test('rotates with the grace that was asked for, and with none', async () => {
  const { hub } = await hubCapabilities()
  const admin = capabilityAdmin(hub)

  assert.deepEqual(await admin.cap_rotate({ grace_s: 60 }, call()), {
    kid: 2,
    previous: 1,
    grace_until: NOW_S + 60
  })
  assert.deepEqual(await admin.cap_rotate({ break_glass: true }, call()), { kid: 3, previous: 2 })
})

test('revokes exactly one thing, and says how many statements that took', async () => {
  const { hub, events } = await hubCapabilities()
  const admin = capabilityAdmin(hub)

  assert.deepEqual(await admin.cap_revoke({ cap_id: 'ab'.repeat(16), reason: 'lost' }, call()), {
    seq: 1,
    statements: 1
  })
  assert.deepEqual(await admin.cap_revoke({ cap_id: 'ab'.repeat(16) }, call()), { seq: 1, statements: 0 })
  assert.deepEqual([events.at(-1)?.actor, events.at(-1)?.corrId], ['local', '000000000000002a'])
  await assert.rejects(async () => admin.cap_revoke({}, call()), refusal('bad_request', 'one of'))
  await assert.rejects(
    async () => admin.cap_revoke({ kid: 1, subject: 'x' }, call()),
    refusal('bad_request', 'one of')
  )
  await assert.rejects(
    async () => admin.cap_revoke({ cap_id: 'zz' }, call()),
    refusal('bad_request', 'cap_id')
  )
})

test('lists rights by what may be known of them', async () => {
  const { hub, tenant } = await hubCapabilities()
  const admin = capabilityAdmin(hub)
  const { cap_id } = await admin.cap_mint(
    { verb: 'a:b,c:d', tenant: 'default', bearer: true, ttl_s: 60 },
    call()
  )

  const rows = await all(await admin.cap_list({}, call()))

  assert.deepEqual(rows, [{ cap_id, kid: 1, tenant: tenant.id, verb: 'a:b,c:d', expires: NOW_S + 60 }])
})

test('adds, shows, limits and removes tenants by name or id', async () => {
  const { hub, events } = await hubCapabilities()
  const admin = capabilityAdmin(hub)
  const { id } = await admin.tenant_add({ name: 'paris' }, call())

  await admin.tenant_limit({ tenant: 'paris', burst: 5 }, call())
  const limited = await admin.tenant_limit({ tenant: id, app: 0x0201, calls_per_second: 7 }, call())
  const shown = await admin.tenant_show({ tenant: 'paris' }, call())
  const reset = await admin.tenant_limit({ tenant: id, app: 0x0201, reset: true }, call())
  const removed = await admin.tenant_remove({ tenant: 'paris' }, call())
  const tenants = await all(await admin.tenant_list({}, call()))

  assert.deepEqual(shown, limited)
  assert.deepEqual(shown, {
    id,
    name: 'paris',
    state: 'active',
    added_at: NOW_S,
    calls_per_second: 1000,
    burst: 5,
    bytes_per_second: 67_108_864,
    apps: '0x0201 7/s 5 67108864/s'
  })
  assert.deepEqual([reset.apps, removed.state], ['', 'removed'])
  assert.deepEqual(
    tenants.map(({ name, state }) => [name, state]),
    [
      ['default', 'active'],
      ['paris', 'removed']
    ]
  )
  assert.deepEqual(
    events.slice(1).map(({ data }) => 'change' in data && data.change),
    ['add', 'limit', 'limit', 'limit', 'remove']
  )
  await assert.rejects(
    async () => admin.tenant_limit({ tenant: id }, call()),
    refusal('bad_request', 'say a limit')
  )
  await assert.rejects(
    async () => admin.tenant_show({ tenant: 'rome' }, call()),
    refusal('not_found', 'tenant')
  )
})

test('rows at their longest come over the wire as they are', async () => {
  const { hub, tenant } = await hubCapabilities()
  const admin = capabilityAdmin(hub)
  const most = Number.MAX_SAFE_INTEGER
  const limits = { calls_per_second: most, burst: most, bytes_per_second: most }
  for (let app = 0; app < 256; app++)
    await admin.tenant_limit({ tenant: tenant.id, app: 65_280 + app, ...limits }, call())
  const verb = Array.from({ length: 40 }, (_, i) => `service-${i}:operation-that-has-a-long-name-${i}`).join(
    ','
  )
  const minted = await admin.cap_mint({ verb, tenant: tenant.id, bearer: true }, call())

  const [listed] = await all(await admin.cap_list({}, call()))
  const shown = await admin.tenant_show({ tenant: tenant.id }, call())
  const { cap_list, cap_mint, tenant_show } = capabilityAdminOperations

  assert.deepEqual(cap_list.event.decode(wire(cap_list.event.encode(listed!))), listed)
  assert.deepEqual(tenant_show.answer.decode(wire(tenant_show.answer.encode(shown))), shown)
  const { body, ...header } = cap_mint.answer.decode(wire(cap_mint.answer.encode(minted)))
  assert.deepEqual({ ...header, body: Buffer.from(body!) }, { ...minted, body: Buffer.from(minted.body!) })
})

test('an operator of a stopped node acts as the one of a running node, without a call to name', async () => {
  const { hub, events } = await hubCapabilities()

  await capabilityAdmin(hub).cap_rotate({}, OPERATOR_CALL)

  assert.deepEqual([events.at(-1)?.actor, events.at(-1)?.corrId], ['local', undefined])
})

const wire = ({ head, body }: { readonly head: Uint8Array; readonly body: Uint8Array }): Uint8Array =>
  Buffer.concat([head, body])

const call = ({ capability }: { readonly capability?: VerifiedToken } = {}): Call => ({
  corrId: 42n,
  app: 2,
  peer: PEER,
  principal: 'anonymous',
  tenant: capability?.tenant ?? '00000000-0000-0000-0000-000000000000',
  capability,
  isE2e: false,
  signal: new AbortController().signal,
  body: (async function* () {})()
})

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

function refusal(code: string, message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof OapError, String(error))
    assert.equal(error.code, code)
    assert.ok(error.message.includes(message), error.message)
    return true
  }
}
