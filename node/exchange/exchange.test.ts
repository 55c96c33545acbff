import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspectToken, caveatText } from '../../protocols/index.ts'
import { createClient } from '../../sdk/index.ts'
import { entriesOf } from '../links/hubs.fixture.ts'
import { agent, calling, exchanged, refusalOf, sharingHubs, tokenOf, treatyOf } from './hubs.fixture.ts'

/** How long a call waits at one hub unless something ends it. How soon that is due, `npm run revocation` measures. */
const OWN_END_MS = 60_000
/** Of calls one after the other until one is refused. */
const MOST_CALLS = 200
const MESSAGE = { topic: 'dispatch/a', body: Buffer.from('from elsewhere') }

describe('two hubs that exchange capabilities', { timeout: 240_000 }, () => {
  test('an agent of one gets a token of the other, within its own and the treaty, and calls there with it', async t => {
    const { a, b } = await sharingHubs(t)
    const who = await agent()
    const own = await tokenOf(a, who, { rate: 7, subject: 'agent-7' })

    const { cap, cap_id, kid, expires, addresses } = await exchanged(t, { here: a, there: b }, who, own)

    const says = inspectToken(cap)
    const lines = says.caveats.map(caveatText)
    assert.deepEqual(
      [says.hub, says.capId, says.kid, says.tenant, says.subject],
      [b.id, cap_id, kid, b.tenant, undefined]
    )
    assert.deepEqual(lines, [
      'verb = mailbox:send',
      'topic = dispatch/a',
      `peer = ${who.peer}`,
      `audience = ${b.id}`,
      `origin = ${a.id}/${own.capId}`,
      'rate <= 7/s',
      `expires < ${expires}`
    ])
    assert.ok(expires - Date.now() / 1000 <= 601)
    assert.ok(addresses.includes(b.address), addresses.join())
    const there = await calling(t, b.address, who, cap)
    assert.match((await there.mailbox.send(MESSAGE)).msg_id, /./)
    assert.equal(await refusalOf(there.mailbox.recv({ topic: 'dispatch/a' })), 'cap_denied verb')
    assert.equal(await refusalOf(there.mailbox.send({ ...MESSAGE, topic: 'dispatch/b' })), 'cap_denied topic')
    const [here] = await entriesOf(a, 'exchange')
    const [mine] = await entriesOf(b, 'exchange')
    const ids = { origin_cap_id: own.capId, cap_id, expires_s: expires }
    assert.deepEqual(here, { hub: b.id, role: 'origin', ...ids })
    assert.deepEqual(mine, { hub: a.id, role: 'audience', ...ids })
  })

  test('a client exchanges its capability, and another one lives on what it brings', async t => {
    const { a, b } = await sharingHubs(t)
    const who = await agent()
    const own = await tokenOf(a, who)
    await exchanged(t, { here: a, there: b }, who, own)
    await using home = await createClient({ url: a.address, key: who.key, cap: own.cap })
    const wish = { verbs: ['mailbox:send'], topics: ['dispatch/a', 'dispatch/b'] }

    const { addresses, expires } = await home.exchange(b.id, wish)
    await using there = await createClient({
      url: addresses,
      key: who.key,
      refresh: async () => (await home.exchange(b.id, wish)).cap
    })

    assert.ok(expires > Date.now() / 1000)
    assert.ok(await there.mailbox.send('dispatch/b', Buffer.from('by a client')))
    await assert.rejects(home.exchange(b.id, { verbs: ['mailbox:delete'] }), {
      code: 'cap_denied',
      reason: 'verb'
    })
  })

  test('what the agent may not do at home, or the treaty does not allow, is refused by name and recorded', async t => {
    const { a, b } = await sharingHubs(t)
    const who = await agent()
    const own = await tokenOf(a, who)
    const ask = (change: object, token = own) =>
      refusalOf(exchanged(t, { here: a, there: b }, who, token, change))

    assert.equal(await ask({ verb: 'mailbox:delete' }), 'cap_denied verb')
    assert.equal(await ask({ topic: 'other/a' }), 'cap_denied topic')
    assert.equal(await ask({ share: 'bb'.repeat(16) }), 'cap_denied share')
    assert.equal(await ask({ hub: a.id }), 'not_found')
    const without = await tokenOf(a, who, { verb: 'mailbox:send' })
    assert.equal(await ask({}, without), 'cap_denied verb')
    const { id } = await a.operator.capabilities.tenant_add({ name: 'other' })
    const foreign = await tokenOf({ ...a, tenant: id }, who)
    assert.equal(await ask({}, foreign), 'cap_denied share')
    const bearer = await tokenOf(a, who, { peer: undefined, bearer: true })
    assert.equal(await ask({}, bearer), 'cap_denied peer')

    await b.operator.federation.treaty_edit({ hub: a.id, body: treatyOf(b, { verbs: ['cap:exchange'] }) })
    assert.equal(await ask({}), 'cap_denied verb')

    const codes = (await entriesOf(a, 'exchange_refused')).map(({ code, told }) => told ?? code)
    assert.deepEqual(codes, ['verb', 'topic', 'share', 'share', 'peer', 'verb'])
    assert.deepEqual(await entriesOf(b, 'exchange_refused'), [
      { hub: a.id, role: 'audience', code: 'verb', origin_cap_id: own.capId }
    ])
  })

  test('a right that is revoked at home, by any of its names, is refused on the other hub at once', async t => {
    const { a, b } = await sharingHubs(t)
    const who = await agent()
    for (const [what, name] of [
      ['cap_id', (own: { capId: string }) => ({ cap_id: own.capId })],
      ['subject', () => ({ subject: 'agent-7' })]
    ] as const) {
      const own = await tokenOf(a, who, { subject: 'agent-7' })
      const { cap } = await exchanged(t, { here: a, there: b }, who, own)
      const there = await calling(t, b.address, who, cap)
      await there.mailbox.send(MESSAGE)

      await a.operator.capabilities.cap_revoke(name(own))

      const since = performance.now()
      let refused = 'none'
      let calls = 0
      for (; refused === 'none' && calls < MOST_CALLS; calls++)
        refused = await refusalOf(there.mailbox.send(MESSAGE))
      t.diagnostic(
        `${what}: call ${calls} was refused, ${(performance.now() - since).toFixed(1)} ms after it`
      )
      assert.equal(refused, `cap_revoked ${what}`)
    }
  })

  test('a call that runs at one hub is ended when the root key of its right is revoked at the other', async t => {
    const { a, b } = await sharingHubs(t)
    const who = await agent()
    const own = await tokenOf(a, who)
    const { cap } = await exchanged(t, { here: a, there: b }, who, own, { verb: 'mailbox:recv' })
    const there = await calling(t, b.address, who, cap)
    const waiting = refusalOf(there.mailbox.recv({ topic: 'dispatch/a', wait_ms: OWN_END_MS }))
    assert.equal(await Promise.race([waiting, sleep(100, 'waits')]), 'waits')
    await a.operator.capabilities.cap_rotate({ break_glass: true })

    const since = performance.now()
    await a.operator.capabilities.cap_revoke({ kid: own.kid })

    assert.equal(await waiting, 'cap_revoked kid')
    t.diagnostic(`ended after ${(performance.now() - since).toFixed(1)} ms`)
    assert.ok(performance.now() - since < OWN_END_MS / 2)
  })

  test('a token falls with the treaty under which it was given out', async t => {
    const { a, b } = await sharingHubs(t)
    const who = await agent()
    const own = await tokenOf(a, who)
    const { cap } = await exchanged(t, { here: a, there: b }, who, own)
    const there = await calling(t, b.address, who, cap)
    await there.mailbox.send(MESSAGE)

    await b.operator.federation.treaty_edit({
      hub: a.id,
      body: treatyOf(b, { quotas: { calls_per_s: 1, bytes_per_s: 1024 * 1024, streams: 1 } })
    })

    assert.equal(await refusalOf(there.mailbox.send(MESSAGE)), 'cap_revoked treaty')
    const again = await exchanged(t, { here: a, there: b }, who, own)
    const anew = await calling(t, b.address, who, again.cap)
    const calls = await Promise.all(Array.from({ length: 3 }, () => refusalOf(anew.mailbox.send(MESSAGE))))
    assert.ok(calls.includes('quota_capability calls'), calls.join())
    await b.operator.federation.peer_remove({ hub: a.id })
    assert.equal(await refusalOf(anew.mailbox.send(MESSAGE)), 'cap_revoked treaty')
  })
})
