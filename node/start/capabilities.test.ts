import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { capabilitiesService, echoService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'

const LOCAL = { actor: 'local' }

async function nodeWith(t: TestContext, flags: Record<string, unknown> = {}, data?: string) {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      ...flags
    }
  })
  const node = createNode(config, data === undefined ? {} : { data, init: true })
  endings(t).defer(() => node.stop())
  await node.start()
  return node
}

const mint = (node: OmnigateNode, members: Record<string, unknown> = {}) =>
  node.capabilities().mint({ verb: 'echo:call', tenant: 'default', bearer: true, ...members }, LOCAL)

async function echoing(node: OmnigateNode, cap: Uint8Array | undefined, body = 'hi') {
  await using hub = await connect(node.status().addresses[0]!, { cap })
  return await hub.client(echoService).echo({ body: Buffer.from(body) })
}

const refused = async (call: Promise<unknown>): Promise<unknown> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as OapError
  )
  return error && [error.status, error.code, error.reason]
}

test('a node takes calls with a capability for the verb, and no others', async t => {
  const node = await nodeWith(t)
  const { token } = await mint(node)
  const other = await mint(node, { verb: 'mailbox:send' })
  const late = await mint(node, { not_before: Math.floor(Date.now() / 1000) + 3600 })

  assert.equal(Buffer.from(await echoing(node, token)).toString(), 'hi')
  assert.deepEqual(await refused(echoing(node, undefined)), [401, 'cap_missing', undefined])
  assert.deepEqual(await refused(echoing(node, other.token)), [403, 'cap_denied', 'verb'])
  assert.deepEqual(await refused(echoing(node, late.token)), [403, 'cap_denied', 'not-before'])
  assert.deepEqual(await refused(echoing(node, Uint8Array.of(1, 2, 3))), [401, 'cap_foreign', 'malformed'])
})

/** At most: how much came tells how long it went on, by the time of the node and not by how busy its machine is. */
const TICKS_IN_A_SECOND = 200

test('a subscription under a capability that is revoked ends with 401 within a second', async t => {
  const node = await nodeWith(t)
  const { token, capId } = await mint(node)
  await using hub = await connect(node.status().addresses[0]!, { cap: token })
  const ticks = await hub.client(echoService).ticks({ count: 100_000, interval_ms: 1000 / TICKS_IN_A_SECOND })
  let came = 0
  const ended = (async () => {
    for await (const _ of ticks) came++
  })()

  await node.capabilities().revoke({ cap_id: capId }, 'test', LOCAL)
  const before = came

  assert.deepEqual(await refused(ended), [401, 'cap_revoked', 'cap_id'])
  assert.ok(came - before <= TICKS_IN_A_SECOND, `${came - before} ticks came after it`)
  assert.deepEqual(await refused(echoing(node, token)), [401, 'cap_revoked', 'cap_id'])
  assert.equal((await hub.hello()).revocationSeq, 1)
})

test('a renewed token works for its holder alone, outlives a rotation, and not a revocation', async t => {
  const node = await nodeWith(t)
  await using thief = await connect(node.status().addresses[0]!)
  await using caller = await connect(node.status().addresses[0]!)
  const renewUntil = Math.floor(Date.now() / 1000) + 86_400
  const old = await mint(node, { bearer: undefined, peer: caller.self, ttl_s: 60, renew_until: renewUntil })
  const echo = (cap: Uint8Array) => caller.client(echoService).echo({ body: Buffer.from('hi') }, { cap })

  await node.capabilities().rotate({}, LOCAL)
  const renewed = await caller.client(capabilitiesService).renew({}, { cap: old.token })
  await node.capabilities().rotate({ breakGlass: true }, LOCAL)
  const again = await caller
    .client(capabilitiesService)
    .renew({}, { cap: renewed.body! })
    .catch(() => undefined)

  assert.equal(renewed.cap_id, old.capId)
  assert.equal(renewed.kid, old.kid + 1)
  assert.equal(again, undefined)
  assert.deepEqual(await refused(echo(old.token)), [401, 'cap_expired', 'kid'])
  const fresh = await mint(node, { bearer: undefined, peer: caller.self, renew_until: renewUntil })
  const next = (await caller.client(capabilitiesService).renew({}, { cap: fresh.token })).body!
  assert.equal((await echo(next)).length, 2)
  const stolen = thief.client(echoService).echo({}, { cap: next })
  assert.deepEqual(await refused(stolen), [403, 'cap_denied', 'peer'])
  await node.capabilities().revoke({ cap_id: fresh.capId }, undefined, LOCAL)
  assert.deepEqual(await refused(echo(next)), [401, 'cap_revoked', 'cap_id'])
})

test('what changes rights is in the audit log before it is answered, and no token ever is', async t => {
  const data = await mkdtemp(join(tmpdir(), 'omnigate-rights-'))
  endings(t).defer(() => rm(data, { recursive: true, force: true }))
  const node = await nodeWith(t, {}, join(data, 'hub'))
  const { token, capId } = await mint(node)
  await echoing(node, token)
  await refused(echoing(node, (await mint(node, { verb: 'other:verb' })).token))
  await node.capabilities().rotate({}, LOCAL)
  await node.capabilities().revoke({ cap_id: capId }, 'stolen laptop', LOCAL)
  await node.stop()

  const segments = join(data, 'hub', 'audit', 'segments')
  const [segment] = await readdir(segments)
  const log = await readFile(join(segments, segment!, 'entries.ndjson'), 'utf8')
  const types = log
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { type: string }).type)

  for (const type of ['tenant', 'start', 'mint', 'refusal', 'rotate', 'revoke', 'summary', 'stop'])
    assert.ok(types.includes(type), `${type} in ${types.join(' ')}`)
  for (const encoding of ['base64', 'base64url', 'hex'] as const)
    assert.ok(!log.includes(Buffer.from(token).subarray(-32).toString(encoding)))
  assert.ok(!log.includes('stolen laptop'))
})
