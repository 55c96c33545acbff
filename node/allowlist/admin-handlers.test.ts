import assert from 'node:assert/strict'
import test from 'node:test'
import { grantOf } from '../../federation/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { PeerKeys } from '../peer-keys/index.ts'
import { openLevel } from '../stores/level.ts'
import { CLINIC, NOW_S, SELF, SHARE, TENANT, UNIVERSITY, treatyOn } from './allowlist.fixture.ts'
import { Allowlist } from './allowlist.ts'
import { directFederation } from './direct-client.ts'
import type { LinkStates } from './link-states.ts'
import { FIRST_TREATY } from './treaty.ts'

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const read = (body: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(body ?? []).toString())

const LINKS: LinkStates = {
  of: hub =>
    hub === CLINIC
      ? { link: 'up', why: '', since: NOW_S, theirs: grantOf({ ...treatyOn(TENANT), rows: [] }) }
      : { link: 'down', why: 'never tried', since: undefined, theirs: undefined }
}

async function operator() {
  const level = await openLevel('memory')
  const allowlist = await Allowlist.open(() => level, {
    self: SELF,
    configured: [{ hub: UNIVERSITY, addresses: [], note: '', treaty: { ...FIRST_TREATY, expires: NOW_S } }],
    record: () => Promise.resolve(),
    isTenant: id => id === TENANT,
    seconds: () => NOW_S
  })
  const standing = { federation: 'main', hub: SELF, addresses: [], only_private_addresses: true }
  const keys = await PeerKeys.open(() => level, {
    isAllowed: () => true,
    record: () => Promise.resolve(),
    seconds: () => NOW_S
  })
  return directFederation({
    allowlist: () => allowlist,
    keys: () => keys,
    links: LINKS,
    standing: () => standing
  })
}

const refusal = async (call: Promise<unknown>): Promise<[string, string]> => {
  const error = (await call.then(
    () => assert.fail('it was taken'),
    (reason: unknown) => reason
  )) as OapError
  return [error.code, error.message]
}

test('a hub is added with the first treaty, or the one in the body', async () => {
  const federation = await operator()

  const { state, link, since, verbs, shares, changed_at } = await federation.peer_add({
    hub: CLINIC,
    addresses: []
  })
  assert.deepEqual(
    [state, link, since, verbs, shares, changed_at],
    ['allowed', 'up', NOW_S, ['echo:call'], 0, NOW_S]
  )
  await federation.peer_remove({ hub: CLINIC })
  await federation.peer_add({ hub: CLINIC, addresses: [], body: bytes({ verbs: ['mailbox:send'] }) })

  assert.deepEqual((await federation.peer_show({ hub: CLINIC })).verbs, ['mailbox:send'])
})

test('status counts who is allowed, expired and linked', async () => {
  const federation = await operator()
  await federation.peer_add({ hub: CLINIC, addresses: [] })

  const { federation: name, hub, allowed, expired, up } = await federation.federation_status({})

  assert.deepEqual([name, hub, allowed, expired, up], ['main', SELF, 1, 1, 1])
  const rows = new Map<string, unknown>()
  for await (const { hub: id, state, source } of await federation.peer_list({})) rows.set(id, [state, source])
  assert.deepEqual(
    [rows.get(CLINIC), rows.get(UNIVERSITY), rows.size],
    [['allowed', 'store'], ['expired', 'config'], 2]
  )
})

test('a row counts where both sides of a treaty differ, once it is known what the other hub grants', async () => {
  const federation = await operator()

  const added = await federation.peer_add({ hub: CLINIC, addresses: [], body: bytes(treatyOn(TENANT)) })
  const edited = await federation.treaty_edit({
    hub: CLINIC,
    body: bytes({ ...treatyOn(TENANT), rows: [] })
  })
  const unheard = await federation.peer_show({ hub: UNIVERSITY })

  assert.deepEqual([added.differs, edited.differs, unheard.differs], [1, 0, undefined])
})

test('a treaty that is wrong is refused with all its places, and nothing has changed', async () => {
  const federation = await operator()
  const wrong = { verbs: ['echo:cal'], rows: [treatyOn(TENANT).rows[0], treatyOn(TENANT).rows[0]] }

  const [code, message] = await refusal(
    federation.peer_add({ hub: CLINIC, addresses: [], body: bytes(wrong) })
  )

  assert.equal(code, 'bad_request')
  assert.match(
    message,
    /^treaty: .*rows\[1\]\.share\.id: stands in another row, too.*verbs\[0\]: there is no verb/
  )
  assert.deepEqual((await refusal(federation.peer_show({ hub: CLINIC })))[0], 'not_found')
  const garbage = federation.peer_add({ hub: CLINIC, addresses: [], body: Buffer.from('{"verbs"') })
  assert.match((await refusal(garbage))[1], /^treaty: /)
})

test('treaties are shown and checked against what the other hub grants, where that is known', async () => {
  const federation = await operator()
  await federation.peer_add({ hub: CLINIC, addresses: [], body: bytes(treatyOn(TENANT)) })
  const differences = [{ what: 'only_here', share: SHARE }]

  const shown = await federation.treaty_show({ hub: CLINIC })
  const checked = await federation.treaty_check({ hub: CLINIC, body: bytes(treatyOn(TENANT)) })
  const unknown = await federation.treaty_check({ hub: UNIVERSITY, body: bytes(treatyOn(SELF)) })

  const { treaty, theirs, differences: told } = read(shown.body) as Record<string, unknown>
  assert.deepEqual([treaty, told, (theirs as { rows: unknown }).rows], [treatyOn(TENANT), differences, []])
  assert.deepEqual([checked.ok, checked.knows_theirs], [true, true])
  assert.deepEqual(read(checked.body), { problems: [], differences })
  assert.deepEqual([unknown.ok, unknown.knows_theirs], [false, false])
  assert.deepEqual(read(unknown.body), { problems: ['rows[0].tenant: not a UUID'], differences: [] })
})

test('an edit of nothing is none, and one of the configuration’s entries is refused', async () => {
  const federation = await operator()

  assert.deepEqual((await refusal(federation.peer_edit({ hub: UNIVERSITY })))[0], 'bad_request')
  assert.deepEqual((await refusal(federation.peer_edit({ hub: UNIVERSITY, note: 'x' })))[0], 'conflict')
  assert.deepEqual(
    (await refusal(federation.treaty_edit({ hub: UNIVERSITY, body: bytes({}) })))[0],
    'conflict'
  )
})
