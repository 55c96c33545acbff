import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createConnection } from 'node:net'
import { after, test } from 'node:test'
import { mailboxService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { httpNode, sentEvents } from './http-node.fixture.ts'
import type { HttpNode } from './http-node.fixture.ts'

const hub = await httpNode({ after: run => after(run) })
const VERBS = 'mailbox:send,mailbox:recv,mailbox:stats'
const token = await hub.mint(VERBS)
const post = (op: string, body: object) => hub.post(op, body, { token })

const subscribe = (body: object, signal?: AbortSignal, { url }: Pick<HttpNode, 'url'> = hub) =>
  fetch(`${url}/mailbox/v1/subscribe`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal })
  })

/** A reader of events that takes nothing until it is told to. */
async function unread(body: object): Promise<IncomingMessage> {
  const asking = request(`${hub.url}/mailbox/v1/subscribe`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  })
  asking.end(JSON.stringify(body))
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  return answer.pause()
}

/** What a topic says once it has said the same ten times in a row. */
async function settled(topic: string): Promise<{ depth: number; in_flight: number }> {
  let last = ''
  for (let same = 0; same < 10;) {
    const { json } = await post('stats', { topic })
    const now = JSON.stringify([json['depth'], json['in_flight']])
    same = now === last ? same + 1 : 0
    last = now
  }
  const [depth, in_flight] = JSON.parse(last) as [number, number]
  return { depth, in_flight }
}

const MANY = 160
const BODY = 'x'.repeat(60_000)

async function filled(topic: string): Promise<void> {
  for (let sent = 0; sent < MANY; sent += 16)
    await post('send_batch', { topic, items: Array.from({ length: 16 }, () => ({ body: BODY })) })
}

test('what is sent over OAP comes as an event, and what is sent over HTTP to a subscriber over OAP', async () => {
  await using oap = await connect(hub.node.status().addresses[0]!, {
    cap: await hub.mint(VERBS, { bearer: true })
  })
  const mailbox = oap.client(mailboxService)
  const heard = await mailbox.subscribe({ topic: 'both/http' })
  const answer = await subscribe({ topic: 'both/oap' })

  const sent = await mailbox.send({ topic: 'both/oap', body: Buffer.from('from afar') })
  const [event] = (await take(sentEvents(answer), 1)) as [{ event: string; id: string; data: object }]
  await post('send', { topic: 'both/http', body: 'from a browser' })
  const [delivery] = await take(heard, 1)

  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  const { body, topic, msg_id, attempt, lease } = event.data as Record<string, unknown>
  assert.deepEqual([event.event, event.id, msg_id], ['delivery', sent.msg_id, sent.msg_id])
  assert.deepEqual([body, topic, attempt, typeof lease], ['from afar', 'both/oap', 1, 'string'])
  assert.equal(Buffer.from(delivery!.body!).toString(), 'from a browser')
})

async function take<T>(from: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  for await (const one of from) if (taken.push(one) >= count) break
  return taken
}

test('a reader that is slow gets every message, once', async () => {
  const topic = 'slow/reader'
  await filled(topic)

  const answer = await unread({ topic, ack: 'auto' })
  await settled(topic)
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) {
    text += String(piece)
    if (text.endsWith('\n\n') && idsIn(text).length >= MANY) break
  }

  assert.equal(new Set(idsIn(text)).size, MANY)
  assert.equal((await settled(topic)).depth, 0)
})

const idsIn = (text: string): string[] => [...text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id)

test('a reader that goes away gives back what has not left for it', async () => {
  const topic = 'gone/reader'
  await filled(topic)
  const answer = await unread({ topic, max: 256, max_bytes: 1_048_576 })
  const before = await settled(topic)

  answer.destroy()
  await once(answer, 'close')
  const after = await settled(topic)
  let others = 0
  for (let items = [{}]; items.length > 0;) {
    const { status, json } = await post('recv', { topic, max: 256, ack: 'auto' })
    assert.equal(status, 200, json.error)
    items = [...json.items!]
    others += items.length
  }

  assert.ok(before.in_flight > 0 && before.in_flight < 64, `${before.in_flight} leased`)
  assert.ok(after.in_flight <= before.in_flight)
  assert.equal(others, MANY - after.in_flight)
})

test('of requests in a row none takes messages before those that were taken have left', async () => {
  const topic = 'row/unread'
  await filled(topic)
  const { hostname, port } = new URL(hub.url)
  const body = JSON.stringify({ topic, max: 16, max_bytes: 1_048_576 })
  const headers = `authorization: Bearer ${token}\r\ncontent-type: application/json\r\n`
  const socket = createConnection({ host: hostname, port: Number(port) }).pause()
  socket.write(
    `POST /mailbox/v1/recv HTTP/1.1\r\nhost: ${hostname}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`.repeat(
      MANY / 16
    )
  )

  while ((await settled(topic)).in_flight === 0);
  const { in_flight: leased } = await settled(topic)
  socket.destroy()

  assert.ok(leased < MANY, `all ${leased} were taken`)
})

test('a caller that leaves while it waits gets no message leased', async () => {
  const topic = 'gone/waiting'
  const leaving = new AbortController()
  const waiting = fetch(`${hub.url}/mailbox/v1/recv`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ topic, wait_ms: 60_000 }),
    signal: leaving.signal
  })
  await receivers(1)

  leaving.abort()
  await assert.rejects(waiting)
  await receivers(0)
  await post('send', { topic, body: 'x' })
  const { json } = await post('recv', { topic })

  assert.deepEqual(
    json.items!.map(({ attempt }) => attempt),
    [1]
  )
})

test('of requests that were sent in a row none is carried out for a caller that has left', async () => {
  const { hostname, port } = new URL(hub.url)
  const waiting = (topic: string): string => {
    const body = JSON.stringify({ topic, wait_ms: 60_000 })
    const headers = `authorization: Bearer ${token}\r\ncontent-type: application/json\r\n`
    return `POST /mailbox/v1/recv HTTP/1.1\r\nhost: ${hostname}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`
  }
  const socket = createConnection({ host: hostname, port: Number(port) })
  socket.write(waiting('row/first') + waiting('row/second'))
  await receivers(1)

  socket.destroy()
  await receivers(0)
  await post('send', { topic: 'row/second', body: 'x' })
  const { json } = await post('recv', { topic: 'row/second' })

  assert.equal(json.items![0]!['attempt'], 1)
})

/** Waits until so many calls wait for messages. */
async function receivers(count: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${hub.url}/metrics`)).text()
    if (text.includes(`\nmailbox_receivers ${count}\n`)) return
  }
}

test('a stream ends with an event when the capability is revoked under it', async () => {
  const mine = await hub.node
    .capabilities()
    .mint({ verb: 'mailbox:recv', tenant: 'default', peer: 'http' }, { actor: 'local' })
  const answer = await fetch(`${hub.url}/mailbox/v1/subscribe?topic=revoked`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${Buffer.from(mine.token).toString('base64url')}`,
      'content-type': 'application/json'
    },
    body: '{}'
  })

  await hub.node.capabilities().revoke({ cap_id: mine.capId }, undefined, { actor: 'local' })
  const [event] = await take(sentEvents(answer), 1)

  assert.deepEqual([event!.event, event!.data['error']], ['error', 'cap_revoked'])
})

test('one caller has twelve streams at the same time, and leaves the others to others', async t => {
  const done = new AbortController()
  t.after(() => done.abort())
  const [mine, other] = [await hub.mint('mailbox:recv'), await hub.mint('mailbox:recv')]
  const open = (holder: string) =>
    fetch(`${hub.url}/mailbox/v1/subscribe?topic=many`, {
      method: 'POST',
      headers: { authorization: `Bearer ${holder}`, 'content-type': 'application/json' },
      body: '{}',
      signal: done.signal
    })
  for (let n = 0; n < 12; n++) assert.equal((await open(mine)).status, 200)

  const [refused, others] = [await open(mine), await open(other)]

  const { error, message } = (await refused.json()) as { error: string; message: string }
  assert.deepEqual([refused.status, error], [503, 'saturated'])
  assert.match(message, /to this caller/)
  assert.match(String(refused.headers.get('retry-after')), /^[1-5]$/)
  assert.equal(others.status, 200)
})

test('a stream is refused with a status of its own where it may not be had', async () => {
  const answer = await hub.post('subscribe', { topic: 'a' }, { token: await hub.mint('mailbox:send') })
  const malformed = await hub.post('subscribe', { topic: 'a', max: 0 }, { token })

  assert.deepEqual([answer.status, answer.json.error], [403, 'cap_denied'])
  assert.deepEqual([malformed.status, malformed.json.error], [400, 'bad_request'])
})

test('a node that stops ends its streams with an event', async t => {
  const other = await httpNode(t)
  const mine = await other.mint('mailbox:recv')
  const answer = await fetch(`${other.url}/mailbox/v1/subscribe?topic=a`, {
    method: 'POST',
    headers: { authorization: `Bearer ${mine}`, 'content-type': 'application/json' },
    body: '{}'
  })

  const [events] = await Promise.all([take(sentEvents(answer), 9), other.node.stop()])

  assert.deepEqual(events, [{ event: 'end', id: undefined, data: { ok: true } }])
})
