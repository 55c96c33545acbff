import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifyPortableReceipt } from '../../federation/index.ts'
import { OapError, mailboxService } from '../../protocols/index.ts'
import type { MailboxDelivery } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { endings } from '../endings.fixture.ts'
import {
  SHARE,
  agent,
  refusalOf,
  sharingHub,
  sharingHubs,
  tokenOf,
  treatyOf
} from '../exchange/hubs.fixture.ts'
import type { SharingHub } from '../exchange/hubs.fixture.ts'
import { entriesOf, linked } from '../links/hubs.fixture.ts'

const TOPIC = 'dispatch/a'
const REPLIES = 'replies'
const MOST_ASKED = 12

describe('a message that is sent to another hub', () => {
  test('is received there with its origin, and its receipt comes back and verifies offline', async t => {
    const { a, b } = await sharingHubs(t)
    const [sender, receiver] = [await client(t, a), await client(t, b)]

    const { msg_id } = await sender.send({
      topic: TOPIC,
      body: Buffer.from('a passenger'),
      attrs: { kind: 'ride' },
      priority: 7,
      to: { hub: b.id, share: SHARE.name },
      receipt: ['stored', 'delivered'],
      reply_topic: REPLIES
    })

    const [message] = await received(receiver, TOPIC, 1)
    assert.equal(text(message!), 'a passenger')
    assert.deepEqual(message!.attrs, { kind: 'ride' })
    assert.equal(message!.priority, 7)
    const { origin } = message!
    assert.deepEqual({ ...origin, id: '' }, { hub: a.id, share: SHARE.id, number: 0, id: '' })
    const [stored, delivered] = await received(sender, REPLIES, 2)
    assert.equal(stored!.auto, true)
    assert.equal(JSON.parse(text(stored!)).statement.topic, TOPIC)
    assert.deepEqual(delivered!.attrs, { type: 'receipt', msg_id, id: origin!.id })
    const { state, id, hub, origin: from } = verifyPortableReceipt(text(delivered!), { hub: b.id })
    assert.deepEqual({ state, id, hub, from }, { state: 'stored', id: origin!.id, hub: b.id, from: a.id })
  })

  test('waits while there is no link, and goes once there is one', async t => {
    const [a, b] = [await sharingHub(t), await sharingHub(t)]
    await a.operator.federation.peer_add({ hub: b.id, addresses: [b.address], body: treatyOf(a) })
    const [sender, receiver] = [await client(t, a), await client(t, b)]
    for (const body of ['1', '2', '3']) await sender.send(directed(b, body))
    const { outbox_messages } = await a.operator.federation.federation_status({})
    assert.equal(outbox_messages, 3)

    await b.operator.federation.peer_add({ hub: a.id, addresses: [a.address], body: treatyOf(b) })
    await linked(a, b)

    const messages = await received(receiver, TOPIC, 3)
    assert.deepEqual(messages.map(text).sort(), ['1', '2', '3'])
  })

  test('is refused at once where no treaty lets it go', async t => {
    const { a, b } = await sharingHubs(t)
    const sender = await client(t, a)
    const to = { hub: b.id, share: SHARE.id }

    assert.equal(await refusalOf(sender.send({ ...directed(b, 'x'), topic: 'other/a' })), 'not_shared')
    assert.equal(
      await refusalOf(sender.send({ ...directed(b, 'x'), to: { ...to, share: 'none' } })),
      'not_shared'
    )
    assert.equal(
      await refusalOf(sender.send({ ...directed(b, 'x'), to: { ...to, hub: a.id } })),
      'not_shared'
    )
    assert.equal(
      await refusalOf(sender.send({ ...directed(b, 'x'), receipt: ['acked'], reply_topic: REPLIES })),
      'bad_request'
    )
  })

  test('bounces with the reason where the other hub does not take it', async t => {
    const [a, b] = [await sharingHub(t), await sharingHub(t)]
    await a.operator.federation.peer_add({ hub: b.id, addresses: [], body: treatyOf(a) })
    const sender = await client(t, a)
    await sender.send({ ...directed(b, 'x'), bounce: true, reply_topic: REPLIES })

    await b.operator.federation.peer_add({
      hub: a.id,
      addresses: [a.address],
      body: treatyOf(b, { rows: [] })
    })

    const [bounce] = await received(sender, REPLIES, 1)
    const { statement } = JSON.parse(text(bounce!))
    assert.deepEqual([statement.state, statement.reason, statement.topic], ['refused', 'not_shared', TOPIC])
    const [refusal] = await entriesOf(b, 'directed_refused')
    assert.deepEqual([refusal!['hub'], refusal!['code']], [a.id, 'not_shared'])
  })

  test('bounces where this hub shares it no more', async t => {
    const [a, b] = [await sharingHub(t), await sharingHub(t)]
    await a.operator.federation.peer_add({ hub: b.id, addresses: [], body: treatyOf(a) })
    const sender = await client(t, a)
    await sender.send({ ...directed(b, 'x'), bounce: true, reply_topic: REPLIES })

    await a.operator.federation.peer_remove({ hub: b.id })

    const [bounce] = await received(sender, REPLIES, 1)
    assert.deepEqual(bounce!.attrs?.['type'], 'bounce')
    assert.equal(JSON.parse(text(bounce!)).statement.reason, 'not_shared')
  })
})

const directed = ({ id }: SharingHub, body: string) => ({
  topic: TOPIC,
  body: Buffer.from(body),
  to: { hub: id, share: SHARE.id }
})

const text = ({ body }: MailboxDelivery): string => Buffer.from(body ?? []).toString()

async function client(t: TestContext, hub: SharingHub) {
  const who = await agent()
  const verb = 'mailbox:send,mailbox:recv'
  const { cap } = await tokenOf(hub, who, { verb, topic: '**' })
  const connection = await connect(hub.address, { privateKey: who.key, cap })
  endings(t).use(connection)
  const rows = connection.client(mailboxService)
  return {
    send: (message: Parameters<typeof rows.send>[0]) => patiently(() => rows.send(message)),
    recv: (request: Parameters<typeof rows.recv>[0]) => patiently(() => rows.recv(request))
  }
}

/** A busy machine has calls come again. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let left = MOST_ASKED; ; left--) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof OapError) || error.status !== 503 || left === 0) throw error
      await sleep(error.retryAfterMs)
    }
  }
}

async function received(
  mailbox: Awaited<ReturnType<typeof client>>,
  topic: string,
  count: number
): Promise<readonly MailboxDelivery[]> {
  const found: MailboxDelivery[] = []
  for (let asked = 0; found.length < count; asked++) {
    assert.ok(asked < MOST_ASKED, `${found.length} of ${count} messages of ${topic}`)
    const { items } = await mailbox.recv({ topic, ack: 'auto', wait_ms: 10_000 })
    found.push(...items)
  }
  return found
}
