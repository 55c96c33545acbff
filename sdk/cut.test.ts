import assert from 'node:assert/strict'
import test from 'node:test'
import { addressOf, hubClient, relayTo, runningNode } from './hub.fixture.ts'

const ECHO = 0x0001
const TOPIC = 'dispatch/SF'
const HELLO = Buffer.from('hello')

test('events and streams without a deadline are opened again after a cut', { timeout: 120_000 }, async t => {
  const node = await runningNode(t)
  const relay = await relayTo(t, addressOf(node))
  const hub = await hubClient(t, { url: relay.address })
  const again = { isIdempotent: true }
  for (let round = 0; round < 5; round++) {
    relay.cut()
    const seen: unknown[] = []
    for await (const event of await hub.events(ECHO, 'ticks', { count: 2 }, again)) seen.push(event)
    relay.cut()
    for await (const piece of await hub.stream(ECHO, 'stream', HELLO, again)) seen.push(piece)

    assert.equal(Buffer.from(seen[2] as Uint8Array).toString(), 'hello')
    assert.equal(seen.length, 3)
  }
  assert.ok(relay.dials() >= 2)
})

test('dials again where a connection is cut in its handshake', { timeout: 120_000 }, async t => {
  const node = await runningNode(t)
  const relay = await relayTo(t, addressOf(node))
  const hub = await hubClient(t, { url: relay.address })
  for (const kind of ['FIN', 'RST'] as const) {
    relay.cut()
    relay.cutNextAfter(100, kind)

    assert.equal((await hub.call(ECHO, 'echo', HELLO, { isIdempotent: true })).text(), 'hello')
  }
  assert.ok(relay.dials() >= 5)
})

test('a subscription outlives a connection that is cut in its handshake', { timeout: 120_000 }, async t => {
  const node = await runningNode(t)
  const sender = await hubClient(t, { url: addressOf(node) })
  const relay = await relayTo(t, addressOf(node))
  const hub = await hubClient(t, { url: relay.address })
  await sender.mailbox.send(TOPIC, 'one')
  const seen: string[] = []
  for await (const delivery of hub.mailbox.subscribe(TOPIC)) {
    await delivery.ack()
    if (seen.push(delivery.text()) === 2) break
    relay.cutNextAfter(100, 'RST')
    relay.cut()
    await sender.mailbox.send(TOPIC, 'two')
  }

  assert.deepEqual(seen, ['one', 'two'])
  assert.equal(relay.dials(), 3)
})
