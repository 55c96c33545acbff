import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { capabilitiesService, echoService, mailboxService, serviceDirectory } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { capabilitiesOf } from '../capabilities/index.ts'
import { loadConfig } from '../config/index.ts'
import { Grant } from '../guards/grant.ts'
import type { GrantTerms } from '../guards/grant.ts'
import { echo } from '../handlers/echo.ts'
import { BootStore } from '../stores/boot-store.ts'
import { openAudit } from './audit.ts'
import { nodeBase } from './base.ts'
import { openRights } from './capabilities.ts'
import { openIdentity } from './identity.ts'
import { openMailbox } from './mailbox.ts'
import { servePeers } from './peers.ts'
import { startSessions } from './sessions.ts'
import { openStore } from './store.ts'

const PEER_HUB = `h1${'b'.repeat(52)}`
const SHARE = '0a'.repeat(16)
const plenty = { burst: 1e6, perSecond: 1e6 }

/** A node whose links are this test: it gives grants to connections as they come. */
async function hub(t: TestContext) {
  const { config } = loadConfig({
    flags: { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, 'log.level': 'silent' }
  })
  const started = new AsyncDisposableStack()
  t.after(() => started.disposeAsync())
  const base = nodeBase(config, {}, started)
  const identity = await openIdentity(base, {})
  const store = await openStore(base, identity, {})
  const boot = await new BootStore(store.level).next()
  const audit = await openAudit(base, identity, { store, boot, services: [] })
  const rights = await openRights(base, { ...identity, isPassing: false }, store, audit)
  const shares = {
    over: async () => ({ sending: () => undefined, opened: () => undefined, closed: () => undefined })
  }
  const mailbox = await openMailbox(base, identity, { store, boot, isOnDisk: false, shares, rights })
  const services = serviceDirectory([echo, capabilitiesOf(rights.capabilities), mailbox.forPeers])
  const sessions = await startSessions(base, { apps: [0], revocationSeq: () => 0 })
  const host = sessions(services, rights.guard)
  rights.grants.onChange(() => host.review(rights.review))
  const { transport, stateOf } = await servePeers(base, { ...identity, host, grants: rights.grants })
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof stateOf>>()
  transport.addEventListener('connection:open', ({ detail }) => resolve(stateOf(detail)))
  const address = String(transport.getMultiaddrs()[0])
  const tenant = rights.capabilities.tenants()[0]!.id
  const granting = (changed: Partial<GrantTerms> = {}): Grant =>
    new Grant({
      hub: PEER_HUB,
      verbs: ['echo:call', 'mailbox:send', 'mailbox:recv'],
      shares: [{ id: SHARE, tenant, dir: 'in', topics: ['dispatch/*'] }],
      rates: { calls: plenty, bytes: plenty, streams: 8 },
      expires: undefined,
      ...changed
    })
  return { ...rights, transport, address, firstConnection: promise, granting, tenant }
}

const refused = async (call: Promise<unknown>): Promise<unknown> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as OapError
  )
  return error && [error.status, error.code, error.reason]
}

test('a linked connection calls without a token what its treaty allows, and nothing else', async t => {
  const { address, grants, firstConnection, granting, tenant, capabilities } = await hub(t)
  await using peer = await connect(address)
  const client = peer.client(mailboxService)
  const send = (topic: string, reply?: string) =>
    client.send({ topic, ...(reply !== undefined && { reply_topic: reply }) })
  assert.deepEqual(await refused(send('dispatch/SF')), [401, 'cap_missing', undefined])

  grants.set(await firstConnection, granting())

  assert.match((await send('dispatch/SF')).msg_id, /^[0-9A-Z]{26}$/)
  assert.deepEqual(await refused(send('private/x')), [403, 'cap_denied', 'topic'])
  assert.deepEqual(await refused(send('dispatch/SF', 'private/x')), [403, 'cap_denied', 'topic'])
  const batch = client.send_batch({ topic: 'dispatch/SF', items: [{ topic: 'private/x' }] })
  assert.deepEqual(await refused(batch), [403, 'cap_denied', 'topic'])
  assert.deepEqual(await refused(client.recv({ topic: 'dispatch/SF' })), [403, 'cap_denied', 'dir'])
  assert.deepEqual(await refused(client.stats({ topic: 'dispatch/SF' })), [403, 'cap_denied', 'verb'])
  assert.deepEqual(await refused(peer.client(capabilitiesService).renew({})), [401, 'cap_missing', undefined])
  const { token } = await capabilities.mint(
    { verb: 'mailbox:stats', tenant, peer: peer.self },
    { actor: 'local' }
  )
  assert.equal((await client.stats({ topic: 'dispatch/SF' }, { cap: token })).depth, 1)
  assert.deepEqual(await refused(client.send({ topic: 'dispatch/SF' }, { cap: token })), [
    403,
    'cap_denied',
    'verb'
  ])
})

test('a treaty that is changed ends a running subscription at once, and leaves the connection', async t => {
  const { address, grants, firstConnection, granting } = await hub(t)
  await using peer = await connect(address)
  await peer.hello()
  const state = await firstConnection
  grants.set(state, granting())
  const ticks = await peer.client(echoService).ticks({ count: 100_000, interval_ms: 5 })
  const ended = refused(
    (async () => {
      for await (const _ of ticks);
    })()
  )

  grants.set(state, granting({ verbs: ['mailbox:send'] }))

  assert.deepEqual(await ended, [403, 'cap_denied', 'verb'])
  assert.ok((await peer.client(mailboxService).send({ topic: 'dispatch/SF' })).msg_id)
  grants.remove(state)
  assert.deepEqual(await refused(peer.client(echoService).echo({})), [401, 'cap_missing', undefined])
})

test('the grant of a connection that closes is gone', async t => {
  const { address, grants, firstConnection, granting, transport } = await hub(t)
  const closed = new Promise(resolve => transport.addEventListener('connection:close', resolve))
  {
    await using peer = await connect(address)
    await peer.hello()
    grants.set(await firstConnection, granting())
    assert.equal(grants.size, 1)
  }

  await closed

  assert.equal(grants.size, 0)
})
