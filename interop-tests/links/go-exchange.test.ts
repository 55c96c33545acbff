import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { goIsMissing } from '../go-build.ts'
import { buildGoPeer } from '../go-peer.ts'
import { GoHub, refusalOf, until } from './go-hub.ts'
import { Hub } from './hub.ts'

const SHARE = '0123456789abcdef0123456789abcdef'
const RIGHT = 'ab'.repeat(16)

/** How a statement of the Go hub strays, and what our node says. */
const WAYS: readonly [way: string, status: number, code: string, reason: string][] = [
  ['with more', 400, 'bad_request', 'malformed'],
  ['other hub', 403, 'cap_denied', 'hub'],
  ['other key', 403, 'cap_denied', 'key'],
  ['other signature', 403, 'cap_denied', 'signature'],
  ['before its key', 403, 'cap_denied', 'time'],
  ['other audience', 403, 'cap_denied', 'audience'],
  ['old', 403, 'cap_denied', 'clock'],
  ['ended', 403, 'cap_denied', 'expires'],
  ['other share', 403, 'cap_denied', 'share'],
  ['other verb', 403, 'cap_denied', 'verb'],
  ['other topic', 403, 'cap_denied', 'topic']
]

describe('the Go peer as the hub of an agent', { skip: goIsMissing() ?? false }, () => {
  let ours: Hub
  let operator: AdminClient
  let tenant: unknown

  before(async () => {
    buildGoPeer()
    ours = await Hub.start()
    operator = await connectAdmin(ours.data)
    tenant = (await ours.says('tenant', 'show', 'default'))['id']
  })
  after(async () => {
    await operator?.[Symbol.asyncDispose]()
    await ours?.[Symbol.asyncDispose]()
  })

  const treaty = (verbs: readonly string[]) => {
    const row = { share: { id: SHARE, name: 'dispatch' }, dir: 'both', tenant, topics: ['dispatch/**'] }
    return Buffer.from(JSON.stringify({ verbs, rows: [row] }))
  }

  /** A Go hub with a link to ours, whose agents may leave messages. */
  async function linked(verbs: readonly string[] = ['cap:exchange', 'mailbox:send']): Promise<GoHub> {
    const go = await GoHub.start()
    await go.does('allow', { hub: ours.id, verbs: ['echo:call'] })
    await operator.federation.peer_add({ hub: go.id, addresses: [], body: treaty(verbs) })
    assert.equal((await go.does('link', { hub: ours.id, address: ours.address })).linked, true)
    return go
  }

  /** Go says where its list of revocations stands, with one more for `right`. */
  const tell = (go: GoHub, right = '') => go.does('tell', { hub: ours.id, cap_id: right })

  const exchange = (go: GoHub, agent: GoHub, way = '') =>
    go.does('exchange', {
      hub: ours.id,
      cap_id: RIGHT,
      peer: agent.peer,
      share: SHARE,
      topic: 'dispatch/**',
      verbs: ['mailbox:send'],
      way
    })

  const send = (agent: GoHub, token = '', topic = 'dispatch/a') =>
    agent.does('send', { address: ours.address, token, topic, text: 'from an agent of Go' })

  test('vouches for its agent, which uses what our hub minted until its own hub revokes the right', async () => {
    await using go = await linked()
    await using agent = await GoHub.start()
    await using thief = await GoHub.start()

    const early = await exchange(go, agent)
    const told = await tell(go)
    const { token } = await exchange(go, agent)
    const sent = await send(agent, token)

    assert.deepEqual(refusalOf(early), [403, 'cap_denied', 'head'])
    assert.deepEqual(told, { seq: 0, of: 0 })
    assert.equal(sent.status, 0)
    assert.match(sent.body!, /"msg_id":"[0-9A-Z]{26}"/)
    assert.deepEqual(refusalOf(await send(agent, token, 'elsewhere')), [403, 'cap_denied', 'topic'])
    assert.deepEqual(refusalOf(await send(thief, token)), [403, 'cap_denied', 'peer'])

    assert.deepEqual(await tell(go, RIGHT), { seq: 1, of: 1 })

    assert.deepEqual(refusalOf(await send(agent, token)), [401, 'cap_revoked', 'cap_id'])
    assert.deepEqual(refusalOf(await exchange(go, agent)), [403, 'cap_denied', 'cap_id'])
  })

  test('loses what our hub minted when our operator changes the treaty', async () => {
    await using go = await linked()
    await using agent = await GoHub.start()
    await tell(go)
    const { token } = await exchange(go, agent)
    assert.equal((await send(agent, token)).status, 0)

    const verbs = ['cap:exchange', 'echo:call', 'mailbox:send']
    await operator.federation.treaty_edit({ hub: go.id, body: treaty(verbs) })

    assert.deepEqual(refusalOf(await send(agent, token)), [401, 'cap_revoked', 'treaty'])
    const { token: another } = await exchange(go, agent)
    assert.equal((await send(agent, another)).status, 0)
  })

  test('exchanges nothing where our treaty does not let it', async () => {
    await using go = await linked(['mailbox:send'])
    await using agent = await GoHub.start()

    assert.deepEqual(refusalOf(await exchange(go, agent)), [403, 'cap_denied', 'verb'])
    assert.deepEqual(refusalOf(await tell(go)), [403, 'cap_denied', 'verb'])
  })

  test('is told what is wrong with what it says for its agent', async () => {
    await using go = await linked()
    await using agent = await GoHub.start()
    await tell(go)
    const told: unknown[] = []

    for (const [way] of WAYS) told.push([way, ...refusalOf(await exchange(go, agent, way))])

    assert.deepEqual(told, WAYS)
    assert.equal((await exchange(go, agent, 'nonce again')).status, 0)
    assert.deepEqual(refusalOf(await exchange(go, agent, 'nonce again')), [403, 'cap_denied', 'replayed'])
  })

  test('mints for our agents what both treaties allow, until ours revokes the right', async () => {
    await using go = await GoHub.start()
    await using agent = await GoHub.start()
    await using thief = await GoHub.start()
    const shared = { share: SHARE, topic: 'dispatch/**' }
    await go.does('allow', { hub: ours.id, verbs: ['cap:exchange', 'mailbox:send'], ...shared })
    await operator.federation.peer_add({ hub: go.id, addresses: [], body: treaty(['echo:call']) })
    await go.does('link', { hub: ours.id, address: ours.address })
    const right = await operator.capabilities.cap_mint({
      verb: 'cap:obtain,mailbox:send,mailbox:recv',
      tenant: String(tenant),
      topic: 'dispatch/*',
      peer: agent.peer
    })
    const home = Buffer.from(right.body!).toString('hex')
    const obtain = (topic: string, verbs: readonly string[] = ['mailbox:send']) =>
      agent.does('obtain', { address: ours.address, hub: go.id, token: home, topic, verbs })
    const there = (by: GoHub, token = '', topic = 'dispatch/a') =>
      by.does('send', { address: go.address, token, topic, text: 'from an agent of ours' })

    const minted = await until(
      () => obtain('dispatch/**'),
      ({ reason }) => reason !== 'head'
    )

    assert.equal(minted.status, 0)
    assert.equal((await there(agent, minted.token)).status, 0)
    assert.deepEqual(refusalOf(await there(agent, minted.token, 'dispatch/a/b')), [
      403,
      'cap_denied',
      'topic'
    ])
    assert.deepEqual(refusalOf(await there(thief, minted.token)), [403, 'cap_denied', 'peer'])
    assert.deepEqual(refusalOf(await there(agent)), [401, 'cap_missing', undefined])
    assert.deepEqual(refusalOf(await obtain('elsewhere/a')), [403, 'cap_denied', 'topic'])
    assert.deepEqual(refusalOf(await obtain('dispatch/a', ['mailbox:recv'])), [403, 'cap_denied', 'verb'])

    await operator.capabilities.cap_revoke({ cap_id: right.cap_id, reason: 'lost' })

    const revoked = await until(
      () => there(agent, minted.token),
      ({ status }) => status !== 0
    )
    assert.deepEqual(refusalOf(revoked), [401, 'cap_revoked', 'cap_id'])
  })
})
