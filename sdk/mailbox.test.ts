import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { addressOf, clientFor, nodeFor, overEach, relayTo } from './hub.fixture.ts'
import type { Way } from './hub.fixture.ts'
import type { Hub } from './hub.ts'
import { ConflictError, RequestError, newTraceparent } from './index.ts'
import type { Delivery, SubscribeOptions } from './index.ts'

const TOPIC = 'dispatch/SF'

async function mailboxHub(t: TestContext, way: Way) {
  const node = await nodeFor(t, way)
  return { node, hub: await clientFor(t, way, addressOf(node, way)) }
}

/** The first `count` deliveries of a subscription that is then left. */
async function first(
  count: number,
  hub: Hub,
  options: SubscribeOptions & { readonly each?: (delivery: Delivery) => unknown } = {}
): Promise<Delivery[]> {
  const seen: Delivery[] = []
  for await (const delivery of hub.mailbox.subscribe(TOPIC, options)) {
    seen.push(delivery)
    await options.each?.(delivery)
    if (seen.length === count) break
  }
  return seen
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

const texts = (deliveries: readonly Delivery[]): string[] => deliveries.map(delivery => delivery.text())

overEach('a message is sent, received and acknowledged, with all that was said of it', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  const traceparent = newTraceparent()

  const sent = await hub.mailbox.send(TOPIC, 'hello', {
    attrs: { kind: 'order' },
    priority: 7,
    ttlS: 60,
    replyTopic: 'answers',
    traceparent
  })
  const [delivery, ...more] = await hub.mailbox.recv(TOPIC, { waitMs: 1000 })

  assert.ok(delivery)
  assert.deepEqual(more, [])
  assert.deepEqual(
    [delivery.msgId, delivery.topic, delivery.text(), delivery.attempt, delivery.priority],
    [sent.msgId, TOPIC, 'hello', 1, 7]
  )
  assert.deepEqual(delivery.attrs, { traceparent, kind: 'order' })
  assert.equal(delivery.traceparent, traceparent)
  assert.deepEqual([delivery.replyTopic, delivery.isAuto, delivery.isSealed], ['answers', false, false])
  assert.ok(Math.abs(delivery.expiresAt - delivery.sentAt - 60_000) <= 10_000)
  assert.ok(sent.corrId > 0n && delivery.corrId > 0n && !sent.isDuplicate)
  await delivery.ack()
  assert.deepEqual(await hub.mailbox.recv(TOPIC), [])
})

overEach('what is not acknowledged comes again, and a late acknowledgement is refused', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  await hub.mailbox.send(TOPIC, 'hello')

  const [once] = await hub.mailbox.recv(TOPIC, { visibilityMs: 250 })
  const [again] = await hub.mailbox.recv(TOPIC, { waitMs: 5000 })

  assert.deepEqual([once!.attempt, again!.attempt, again!.msgId], [1, 2, once!.msgId])
  await assert.rejects(once!.ack(), error => {
    assert.ok(error instanceof ConflictError)
    assert.equal(error.code, 'lease_expired')
    assert.ok(error.corrId! > 0n)
    return true
  })
  await again!.ack()
  await assert.rejects(again!.ack(), { code: 'already_acked' })
})

overEach('gives a message back, now or later, and keeps one for longer', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  await hub.mailbox.send(TOPIC, 'hello')

  const [once] = await hub.mailbox.recv(TOPIC)
  await once!.nack({ delayMs: 0, reason: 'not now' })
  const [again] = await hub.mailbox.recv(TOPIC, { visibilityMs: 1000 })
  const before = again!.deadline!
  await again!.extend(60_000)

  assert.equal(again!.attempt, 2)
  assert.ok(again!.deadline! >= before + 50_000)
  await again!.ack()
})

overEach('a subscription brings messages as they come, in their order', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  const receiving = first(100, hub, { each: delivery => delivery.ack() })

  for (let n = 0; n < 100; n++) await hub.mailbox.send(TOPIC, `${n}`)

  assert.deepEqual(
    texts(await receiving),
    Array.from({ length: 100 }, (_, n) => `${n}`)
  )
  assert.equal((await hub.mailbox.stats(TOPIC)).depth, 0)
})

overEach('acknowledgements of one turn go in one call', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  await hub.mailbox.sendBatch(
    TOPIC,
    Array.from({ length: 300 }, (_, n) => ({ body: `${n}` }))
  )
  const deliveries = [
    ...(await hub.mailbox.recv(TOPIC, { max: 256 })),
    ...(await hub.mailbox.recv(TOPIC, { max: 256 }))
  ]

  const ends = await Promise.allSettled([...deliveries, deliveries[0]!].map(delivery => delivery.ack()))

  assert.equal(deliveries.length, 300)
  assert.deepEqual(
    ends.map(({ status }) => status),
    [...deliveries.map(() => 'fulfilled'), 'rejected']
  )
})

overEach('a reader that does not read gets no more leases than it may have under way', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  await hub.mailbox.sendBatch(
    TOPIC,
    Array.from({ length: 100 }, () => ({ body: 'x' }))
  )

  await first(1, hub, {
    max: 5,
    each: async () => {
      const { in_flight: inFlight, depth } = await hub.mailbox.stats(TOPIC)
      assert.ok(inFlight <= 5 && depth === 100, `${inFlight} of ${depth}`)
    }
  })
})

test('a reader that does not read gets no more bytes than its credit', async t => {
  const { hub } = await mailboxHub(t, 'OAP')
  const body = Buffer.alloc(10_000)
  await hub.mailbox.sendBatch(
    TOPIC,
    Array.from({ length: 50 }, () => ({ body }))
  )

  await first(1, hub, {
    max: 256,
    credit: 40_000,
    each: async () => {
      const { in_flight: inFlight } = await hub.mailbox.stats(TOPIC)
      assert.ok(inFlight >= 1 && inFlight <= 8, `${inFlight}`)
    }
  })
})

overEach('a subscription goes on over a new connection, and loses nothing', async (t, way) => {
  const { node, hub: sender } = await mailboxHub(t, way)
  const relay = await relayTo(t, addressOf(node, way))
  const hub = await clientFor(t, way, relay.address)
  // Over HTTP each message is acknowledged by a request of its own, which a busy machine takes long for.
  const [length, visibilityMs] = way === 'OAP' ? [200, 500] : [60, 5000]
  const bodies = Array.from({ length }, (_, n) => `${n}`)
  const seen = new Set<string>()
  const receiving = (async () => {
    for await (const delivery of hub.mailbox.subscribe(TOPIC, { visibilityMs })) {
      await delivery.ack().catch(() => undefined)
      seen.add(delivery.text())
      if (seen.size === bodies.length) break
    }
  })()

  for (const [n, text] of bodies.entries()) {
    await sender.mailbox.send(TOPIC, text)
    if (n % 50 === 25) relay.cut()
  }
  await receiving

  assert.deepEqual([...seen].sort(), [...bodies].sort())
  assert.ok(relay.dials() >= 2)
})

overEach('a send that loses its answer is made again with its key, and stored once', async (t, way) => {
  const { node, hub: reader } = await mailboxHub(t, way)
  const relay = await relayTo(t, addressOf(node, way))
  const hub = await clientFor(t, way, relay.address, { retry: { attempts: 10 } })
  const sends: Promise<unknown>[] = []

  for (let n = 0; n < 200; n++) {
    sends.push(hub.mailbox.send(TOPIC, `${n}`))
    if (n % 20 === 10) {
      await Promise.race(sends.slice(-5))
      relay.cut()
    }
  }
  await Promise.all(sends)

  assert.equal((await reader.mailbox.stats(TOPIC)).depth, 200)
})

overEach(
  'a key that comes again with the same body is the same message, with another a conflict',
  async (t, way) => {
    const { hub } = await mailboxHub(t, way)

    const sent = await hub.mailbox.send(TOPIC, 'hello', { idemKey: 'once' })
    const again = await hub.mailbox.send(TOPIC, 'hello', { idemKey: 'once' })

    assert.deepEqual([again.msgId, again.isDuplicate, sent.isDuplicate], [sent.msgId, true, false])
    await assert.rejects(hub.mailbox.send(TOPIC, 'other', { idemKey: 'once' }), error => {
      assert.ok(error instanceof ConflictError)
      assert.equal(error.code, 'idem_conflict')
      return true
    })
  }
)

overEach('a sealed message arrives to the bit, whatever it looks like', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  const sealed = Buffer.from('28b52ffd00000000', 'hex')
  await hub.mailbox.send(TOPIC, sealed, { e2e: true, compress: true })
  await hub.mailbox.sendBatch(TOPIC, [{ body: sealed }], { e2e: true })

  const deliveries = await hub.mailbox.recv(TOPIC, { max: 2 })

  for (const { body, isSealed } of deliveries) assert.deepEqual([Buffer.from(body), isSealed], [sealed, true])
  assert.equal(deliveries.length, 2)
})

overEach('what was given up on is listed with its history, and comes back or goes', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  for (const body of ['one', 'two']) await hub.mailbox.send(TOPIC, body)
  for (let made = 0; made < 10; made++) {
    const [delivery] = await hub.mailbox.recv(TOPIC, { max: 1, waitMs: 1000 })
    await delivery!.nack({ delayMs: 0, reason: 'broken' })
  }

  const dead = await all(hub.mailbox.deadLetters(TOPIC, { max: 1 }))

  assert.deepEqual(
    dead.map(({ body, attempts, history }) => [Buffer.from(body!).toString(), attempts, history[0]?.reason]),
    [
      ['one', 5, 'broken'],
      ['two', 5, 'broken']
    ]
  )
  assert.deepEqual(await hub.mailbox.redrive(TOPIC, { msgIds: [dead[0]!.msg_id] }), {
    redriven: 1,
    more: false
  })
  assert.deepEqual(await hub.mailbox.purge(TOPIC), { purged: 1, more: false })
  assert.deepEqual(
    (await all(hub.mailbox.peek(TOPIC))).map(({ msg_id }) => msg_id),
    [dead[0]!.msg_id]
  )
  await hub.mailbox.delete(TOPIC, dead[0]!.msg_id)
})

overEach('the caller leaves a long poll, and a subscription ends with its signal', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  const reason = new Error('enough')
  const stop = new AbortController()
  const { signal } = stop
  const polling = hub.mailbox.recv(TOPIC, { waitMs: 60_000, signal })
  const reading = first(1, hub, { signal })
  setImmediate(() => stop.abort(reason))

  await assert.rejects(polling, reason)
  await assert.rejects(reading, reason)
})

overEach('a subscription that can never be is refused at once', async (t, way) => {
  const { hub } = await mailboxHub(t, way)

  await assert.rejects(
    (async () => {
      for await (const _ of hub.mailbox.subscribe('//')) assert.fail()
    })(),
    error => {
      assert.ok(error instanceof RequestError)
      assert.equal(error.code, 'bad_topic')
      return true
    }
  )
})

overEach('an iterator that is left while it waits ends', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  const iterator = hub.mailbox.subscribe(TOPIC)[Symbol.asyncIterator]()
  const waiting = iterator.next()
  waiting.catch(() => undefined)
  await hub.mailbox.stats(TOPIC)

  await iterator.return?.()

  await Promise.allSettled([waiting])
})

overEach('of a message that was received with auto there is nothing to say', async (t, way) => {
  const { hub } = await mailboxHub(t, way)
  await hub.mailbox.send(TOPIC, 'hello')

  const [delivery] = await hub.mailbox.recv(TOPIC, { ack: 'auto' })

  assert.equal(delivery!.deadline, undefined)
  await assert.rejects(delivery!.ack(), TypeError)
})
