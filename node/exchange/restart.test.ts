import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hubFolder, linked, startHub } from '../links/hubs.fixture.ts'
import { agent, calling, exchanged, refusalOf, sharingHub, tokenOf, treatyOf } from './hubs.fixture.ts'

const MESSAGE = { topic: 'dispatch/a', body: Buffer.from('x') }

test('a hub that starts again has forgotten neither tokens nor what was revoked, and waits for a head', async t => {
  const a = await sharingHub(t)
  const b = await sharingHub(t, { data: hubFolder(t) })
  await a.operator.federation.peer_add({ hub: b.id, addresses: [], body: treatyOf(a) })
  await b.operator.federation.peer_add({ hub: a.id, addresses: [a.address], body: treatyOf(b) })
  await linked(a, b)
  const who = await agent()
  const [gone, kept] = [await tokenOf(a, who), await tokenOf(a, who, { subject: 'agent-7' })]
  const goneThere = await exchanged(t, { here: a, there: b }, who, gone)
  const keptThere = await exchanged(t, { here: a, there: b }, who, kept)
  await a.operator.capabilities.cap_revoke({ cap_id: gone.capId })
  const first = await calling(t, b.address, who, goneThere.cap)
  while ((await refusalOf(first.mailbox.send(MESSAGE))) === 'none');

  await b.node.stop()
  await a.node.stop()
  const again = await startHub(t, { data: b.data })

  const [one, other] = [
    await calling(t, again.address, who, goneThere.cap),
    await calling(t, again.address, who, keptThere.cap)
  ]
  assert.equal(await refusalOf(one.mailbox.send(MESSAGE)), 'cap_revoked cap_id')
  assert.equal(await refusalOf(other.mailbox.send(MESSAGE)), 'cap_revoked head')
  const home = await startHub(t, { data: a.data })
  await again.operator.federation.peer_edit({ hub: a.id, addresses: [home.address] })
  await linked(home, again)
  const since = performance.now()
  while ((await refusalOf(other.mailbox.send(MESSAGE))) === 'cap_revoked head')
    assert.ok(performance.now() - since < 60_000)
  assert.equal(await refusalOf(other.mailbox.send(MESSAGE)), 'none')
  assert.equal(await refusalOf(one.mailbox.send(MESSAGE)), 'cap_revoked cap_id')
})
