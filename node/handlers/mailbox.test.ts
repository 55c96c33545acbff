import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { MAILBOX_LIMITS, mailboxService } from '../../protocols/index.ts'
import type { MailboxDelivery } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'

const VERBS = Object.values(mailboxService.operations).map(({ verb }) => verb)
const ALL = [...new Set(VERBS)].join(',')
const TOPIC = 'dispatch/SF'
const bytes = (text: string): Uint8Array => Buffer.from(text)
const textOf = ({ body }: { readonly body?: Uint8Array }): string => Buffer.from(body!).toString()

interface Rights {
  readonly verb?: string
  readonly topic?: string
  readonly tenant?: string
  readonly read_only?: boolean
  readonly max_bytes?: number
}

/** A node that opens no verb; the client of one that has a capability. */
async function running(t: TestContext, flags: Record<string, unknown> = {}) {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      'quotas.tenantCallsPerSecond': 100_000,
      'quotas.tenantBurst': 100_000,
      ...flags
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  return { node, as: (rights: Rights = {}) => clientOf(t, node, rights) }
}

async function clientOf(t: TestContext, node: OmnigateNode, rights: Rights) {
  const asked = { verb: ALL, tenant: 'default', bearer: true, ...rights }
  const { token } = await node.capabilities().mint(asked, { actor: 'local' })
  const hub = await connect(node.status().addresses[0]!, { cap: Buffer.from(token).toString('base64url') })
  t.after(() => hub[Symbol.asyncDispose]())
  return hub.client(mailboxService)
}

type Box = Awaited<ReturnType<typeof clientOf>>

const leaseOf = ({ msg_id, lease }: MailboxDelivery) => ({ msg_id, lease: lease! })

async function codeOf(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => 'accepted',
    (error: { code: string; status: number }) => `${error.status} ${error.code}`
  )
}

test('what is sent is received with all that its sender said, and gone once it is acknowledged', async t => {
  const { as } = await running(t)
  const box = await as()
  const { msg_id, duplicate } = await box.send({
    topic: TOPIC,
    body: bytes('hello'),
    attrs: { kind: 'é' },
    priority: 7,
    reply_topic: 'replies'
  })

  const { items } = await box.recv({ topic: TOPIC })

  const [{ lease, deadline, sent_at, expires_at, ...delivery } = assert.fail()] = items
  assert.deepEqual(
    { ...delivery, body: textOf(delivery) },
    {
      msg_id,
      topic: TOPIC,
      priority: 7,
      attrs: { kind: 'é' },
      reply_topic: 'replies',
      attempt: 1,
      body: 'hello'
    }
  )
  assert.equal(duplicate, false)
  assert.equal(deadline! - sent_at < 31_000, true)
  assert.equal(expires_at - sent_at, 7 * 86_400_000)
  assert.deepEqual(await box.ack({ topic: TOPIC, items: [{ msg_id, lease: lease! }] }), {
    results: [{ msg_id, status: 0 }]
  })
  assert.equal((await box.stats({ topic: TOPIC })).depth, 0)
})

test('the older names of the key and the body are taken', async t => {
  const { as } = await running(t)
  const box = await as()
  const asked = { topic: TOPIC, text: 'héllo', idempotency_key: 'abc' }

  const first = await box.send(asked)
  const second = await box.send({ topic: TOPIC, body: bytes('héllo'), idem_key: 'abc' })

  assert.deepEqual(second, { msg_id: first.msg_id, duplicate: true })
  assert.equal(await codeOf(box.send({ ...asked, idem_key: 'abc' })), '400 bad_request')
  assert.equal(await codeOf(box.send({ ...asked, body: bytes('x') })), '400 bad_request')
})

test('a sealed body is delivered as it came, and every frame that hands it on says that it is sealed', async t => {
  const { as } = await running(t)
  const box = await as()
  const sealed = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2)
  await box.send({ topic: TOPIC, body: sealed }, { e2e: true })
  await box.send_batch({ topic: TOPIC, items: [{ body: sealed, e2e: true, comp: true }] })

  const { items } = await box.recv({ topic: TOPIC })

  assert.deepEqual(
    items.map(({ e2e, comp }) => [e2e, comp]),
    [
      [true, undefined],
      [true, true]
    ]
  )
  assert.ok(items.every(({ body }) => Buffer.compare(body!, sealed) === 0))
  assert.equal(
    await codeOf(box.send_batch({ topic: TOPIC, items: [{ body: sealed }] }, { e2e: true })),
    '400 bad_request'
  )
})

test('a compressed body is stored as what it inflates to', async t => {
  const { as } = await running(t)
  const box = await as()
  const body = Buffer.from('abc '.repeat(1000)).subarray(0, 200)
  await box.send({ topic: TOPIC, body: Buffer.concat([body, Buffer.from(body)]) }, { compress: true })

  const { items } = await box.recv({ topic: TOPIC })

  assert.equal(items[0]!.body!.length, 400)
})

for (const ack of ['explicit', 'auto'] as const) {
  test(`what was taken for an answer that is refused comes back at once, with ack ${ack}`, async t => {
    const { as } = await running(t)
    const box = await as()
    const spent = await as({ max_bytes: 1000 })
    await box.send({ topic: TOPIC, body: new Uint8Array(2000) })

    assert.equal(await codeOf(spent.recv({ topic: TOPIC, ack })), '403 cap_denied')
    const { items } = await box.recv({ topic: TOPIC })

    assert.deepEqual(
      items.map(({ attempt, body }) => [attempt, body!.length]),
      [[1, 2000]]
    )
  })
}

test('an answer larger than a frame arrives whole', async t => {
  const { as } = await running(t)
  const box = await as()
  const body = new Uint8Array(MAILBOX_LIMITS.bodyBytes).fill(7)
  await box.send({ topic: TOPIC, body })
  await box.send({ topic: TOPIC, body: bytes('small') })

  const { items } = await box.recv({ topic: TOPIC, max_bytes: 1 })

  assert.deepEqual(
    items.map(one => one.body!.length),
    [body.length]
  )
})

describe('a subscription', () => {
  async function first(events: AsyncIterable<MailboxDelivery>, most: number): Promise<MailboxDelivery[]> {
    const seen: MailboxDelivery[] = []
    for await (const event of events) if (seen.push(event) === most) break
    return seen
  }

  test('yields what is there and what comes, within what may be unsettled', async t => {
    const { as } = await running(t)
    const box = await as()
    for (const body of ['a', 'b', 'c']) await box.send({ topic: TOPIC, body: bytes(body) })
    const events = await box.subscribe({ topic: TOPIC, max: 2 })
    const seen: string[] = []

    for await (const event of events) {
      seen.push(textOf(event))
      if (seen.length === 2) assert.equal((await box.stats({ topic: TOPIC })).in_flight, 2)
      await box.ack({ topic: TOPIC, items: [leaseOf(event)] })
      if (seen.length === 3) await box.send({ topic: TOPIC, body: bytes('d') })
      if (seen.length === 4) break
    }

    assert.deepEqual(seen, ['a', 'b', 'c', 'd'])
  })

  test('that grants no credit leases nothing, and costs no message its time', async t => {
    const { as } = await running(t)
    const box = await as()
    await box.send({ topic: TOPIC, body: bytes('a') })
    const events = await box.subscribe({ topic: TOPIC }, { credit: 0 })
    void first(events, 1)

    const { items } = await box.recv({ topic: TOPIC, wait_ms: 1000 })

    assert.deepEqual(items.map(textOf), ['a'])
    assert.equal(items[0]!.attempt, 1)
  })

  test('without leases removes nothing that it was refused', async t => {
    const { as } = await running(t)
    const box = await as()
    const spent = await as({ max_bytes: 1000 })
    await box.send({ topic: TOPIC, body: new Uint8Array(2000) })

    const events = await spent.subscribe({ topic: TOPIC, ack: 'auto' })
    await assert.rejects(first(events, 1), { code: 'cap_denied' })
    const { items } = await box.recv({ topic: TOPIC, wait_ms: 1000 })

    assert.deepEqual(
      items.map(({ attempt, body }) => [attempt, body!.length]),
      [[1, 2000]]
    )
  })

  test('that a reader leaves keeps what it was sent until its time is over', async t => {
    const { as } = await running(t)
    const box = await as()
    for (const body of ['a', 'b']) await box.send({ topic: TOPIC, body: bytes(body) })
    const seen = await first(await box.subscribe({ topic: TOPIC, max: 1 }), 1)

    const { items } = await box.recv({ topic: TOPIC, wait_ms: 1000 })
    const { results } = await box.ack({ topic: TOPIC, items: [leaseOf(seen[0]!)] })

    assert.deepEqual([...seen, ...items].map(textOf), ['a', 'b'])
    assert.equal(results[0]!.status, 0)
  })

  test('ends by itself when the node stops', async t => {
    const { node, as } = await running(t)
    const box = await as()
    const seen = first(await box.subscribe({ topic: TOPIC }), 99)
    const waiting = box.recv({ topic: 'other', wait_ms: 60_000 })
    await box.send({ topic: TOPIC, body: bytes('a') })

    const [, events, received] = await Promise.all([node.stop(), seen, waiting])

    assert.equal(events.length, 1)
    assert.deepEqual(received.items, [])
  })

  test('ends with the capability that it was opened with', async t => {
    const { node, as } = await running(t)
    const box = await as()
    const seen = first(await box.subscribe({ topic: TOPIC }), 99)

    const [row] = node.capabilities().list()
    await node.capabilities().revoke({ cap_id: row!.capId }, undefined, { actor: 'local' })

    await assert.rejects(seen, { code: 'cap_revoked' })
  })
})

describe('rights', () => {
  test('a capability is for its verbs and its topics, and one that only reads changes nothing', async t => {
    const { as } = await running(t)
    const sender = await as({ verb: 'mailbox:send', topic: 'dispatch/*' })
    const reader = await as({ read_only: true })

    assert.equal(await codeOf(sender.send({ topic: 'dispatch/LA', body: bytes('a') })), 'accepted')
    assert.equal(await codeOf(sender.send({ topic: 'other', body: bytes('a') })), '403 cap_denied')
    assert.equal(await codeOf(sender.recv({ topic: 'dispatch/LA' })), '403 cap_denied')
    assert.equal(await codeOf(reader.recv({ topic: TOPIC })), '403 cap_denied')
    assert.equal(await codeOf(reader.stats({ topic: TOPIC })), 'accepted')
  })

  test('every further topic of a batch, and every topic for receipts, is judged too', async t => {
    const { as } = await running(t)
    const sender = await as({ verb: 'mailbox:send', topic: 'dispatch/*' })
    const body = bytes('a')
    const asks = { topic: TOPIC, receipt: ['acked' as const], body }

    assert.equal(
      await codeOf(sender.send_batch({ topic: TOPIC, items: [{ body }, { topic: 'other', body }] })),
      '403 cap_denied'
    )
    assert.equal(
      await codeOf(sender.send_batch({ topic: TOPIC, items: [{ body }, { topic: 'dispatch/LA', body }] })),
      'accepted'
    )
    assert.equal(await codeOf(sender.send({ ...asks, reply_topic: 'other' })), '403 cap_denied')
    assert.equal(await codeOf(sender.send({ ...asks, reply_topic: 'dispatch/replies' })), 'accepted')
  })

  test('tenants never meet, not even by the id of a message', async t => {
    const { node, as } = await running(t)
    await node.capabilities().addTenant({ name: 'rome' }, { actor: 'local' })
    const [paris, rome] = [await as(), await as({ tenant: 'rome' })]
    const { msg_id } = await paris.send({ topic: TOPIC, body: bytes('a') })
    const { items } = await paris.recv({ topic: TOPIC })

    assert.deepEqual((await rome.recv({ topic: TOPIC })).items, [])
    assert.equal(await codeOf(rome.delete({ topic: TOPIC, msg_id })), '404 not_found')
    const { results } = await rome.ack({ topic: TOPIC, items: items.map(leaseOf) })
    assert.deepEqual(results, [{ msg_id, status: 409, code: 'lease_foreign' }])
  })
})

describe('wrong input', () => {
  const wrong: readonly (readonly [string, string, (box: Box) => Promise<unknown>])[] = [
    ['a topic with an empty segment', '400 bad_topic', box => box.send({ topic: 'a//b' })],
    ['a topic of 256 bytes', '400 bad_topic', box => box.recv({ topic: 'a'.repeat(256) })],
    [
      'a body over 983,040 bytes',
      '413 body_oversize',
      box => box.send({ topic: 'a', body: new Uint8Array(983_041) })
    ],
    [
      'attributes over 4 KiB',
      '413 attrs_oversize',
      box => box.send({ topic: 'a', attrs: { a: 'x'.repeat(4096) } })
    ],
    ['a priority of 10', '400 bad_request', box => box.send({ topic: 'a', priority: 10 })],
    ['a batch of none', '400 bad_request', box => box.send_batch({ topic: 'a', items: [] })],
    ['a batch without a topic', '400 bad_request', box => box.send_batch({ items: [{}] })],
    ['receiving none', '400 bad_request', box => box.recv({ topic: 'a', max: 0 })],
    ['receiving 257', '400 bad_request', box => box.recv({ topic: 'a', max: 257 })],
    ['receiving too many bytes', '400 bad_request', box => box.recv({ topic: 'a', max_bytes: 1e9 })],
    ['waiting for an hour', '400 bad_request', box => box.recv({ topic: 'a', wait_ms: 3_600_000 })],
    ['a lease of a millisecond', '400 bad_request', box => box.recv({ topic: 'a', visibility_ms: 1 })],
    ['acknowledging nothing', '400 bad_request', box => box.ack({ topic: 'a', items: [] })],
    ['an id that is none', '400 bad_request', box => box.delete({ topic: 'a', msg_id: 'x' })],
    ['an id that is not there', '404 not_found', box => box.delete({ topic: 'a', msg_id: '0'.repeat(26) })],
    ['another hub’s share', '403 not_shared', box => box.send({ topic: 'a', to: { hub: 'h1', share: 's' } })],
    ['a receipt to nowhere', '400 bad_request', box => box.send({ topic: 'a', receipt: ['acked'] })]
  ]
  for (const [what, code, call] of wrong) {
    test(`${what} is ${code}`, async t => {
      const { as } = await running(t)
      const box = await as()

      assert.equal(await codeOf(call(box)), code)
      assert.equal(await codeOf(box.send({ topic: 'a', body: bytes('still here') })), 'accepted')
    })
  }

  test('a full topic is 429 with a time to come back', async t => {
    const { as } = await running(t, { 'mailbox.topics': ['dispatch/** depth=1'] })
    const box = await as()
    await box.send({ topic: TOPIC, body: bytes('a') })

    await assert.rejects(box.send({ topic: TOPIC, body: bytes('b') }), {
      code: 'mailbox_full',
      status: 429,
      retryable: true,
      retryAfterMs: 5000
    })
  })

  test('a caller that gives up while it waits leaves nothing behind', async t => {
    const { as } = await running(t)
    const box = await as()
    const waiting = box.recv({ topic: TOPIC, wait_ms: 60_000 }, { signal: AbortSignal.timeout(50) })
    await assert.rejects(waiting)
    await box.send({ topic: TOPIC, body: bytes('a') })

    const { items } = await box.recv({ topic: TOPIC, wait_ms: 1000 })

    assert.deepEqual(items.map(textOf), ['a'])
    assert.equal(items[0]!.attempt, 1)
  })
})
