import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { UNHURRIED, addressOf, endings, flagsFor, hubClient, runningNode } from './hub.fixture.ts'
import { BusyError, CapabilityError, ConnectError, LinkError, RequestError } from './index.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'
const OPTIONS = { timeout: 120_000 }

async function httpNode(t: TestContext, flags: Readonly<Record<string, unknown>> = {}) {
  const node = await runningNode(
    t,
    { ...flagsFor('HTTP'), 'capabilities.openVerbs': [], 'gateway.write_mode': 'token', ...flags },
    { overrides: { ...UNHURRIED, env: { AMS_WRITE_TOKEN: WRITE } } }
  )
  return addressOf(node, 'HTTP')
}

/** Something that answers as it likes. */
async function server(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  endings(t).defer(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An address that nobody has taken again. */
async function nobodyThere(): Promise<string> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** As a hub over HTTP answers what is asked first. */
const probed: RequestListener = (_, response) =>
  response.writeHead(405).end(JSON.stringify({ ok: false, error: 'method_not_allowed' }))
const afterProbe =
  (answer: RequestListener): RequestListener =>
  (request, response) =>
    request.method === 'GET' && request.url === '/mailbox/v1/send'
      ? probed(request, response)
      : answer(request, response)

test(
  'a token of the operator is the right of a client; without it calls are refused in their class',
  OPTIONS,
  async t => {
    const url = await httpNode(t)
    const known = await hubClient(t, { url, token: WRITE })
    const stranger = await hubClient(t, { url })
    const wrong = await hubClient(t, { url, token: 'x'.repeat(40) })

    await known.mailbox.send('orders', 'hello')

    for (const hub of [stranger, wrong])
      await assert.rejects(hub.mailbox.send('orders', 'hello'), error => {
        assert.ok(error instanceof CapabilityError)
        assert.deepEqual([error.status, error.retryable], [401, false])
        assert.ok(error.corrId! > 0n)
        return true
      })
    assert.deepEqual([known.self, known.cap], ['http', undefined])
  }
)

test(
  'a body of pieces that is refused is refused as such, and its own failure is its own',
  OPTIONS,
  async t => {
    const url = await httpNode(t)
    const stranger = await hubClient(t, { url })
    const known = await hubClient(t, { url, token: WRITE })
    const broken = new Error('no more')
    async function* pieces(fails: boolean): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 20; n++) yield new Uint8Array(50_000)
      if (fails) throw broken
    }

    await assert.rejects(stranger.storage.put(pieces(false)))
    await assert.rejects(known.storage.put(pieces(true)), broken)
    assert.equal((await known.storage.put(pieces(false))).length, 1_000_000)
  }
)

test('what HTTP has no place for says what to do, before anything is sent', OPTIONS, async t => {
  let asked = 0
  const url = await server(t, (request, response) => {
    asked++
    probed(request, response)
  })
  const hub = await hubClient(t, { url })

  for (const [call, code] of [
    [() => hub.call(0x0001, 'echo', new Uint8Array(1)), 'unknown_app'],
    [() => hub.stream(0x0001, 'stream'), 'unknown_app'],
    [() => hub.events(0x0001, 'ticks'), 'unknown_app'],
    [() => hub.call(0x0201, 'stats', { topic: 'orders' }), 'unknown_operation'],
    [() => hub.hello(), 'unknown_operation'],
    [() => hub.exchange('hub', { verbs: ['mailbox:send'] }), 'unknown_app']
  ] as const)
    await assert.rejects(call(), error => {
      assert.ok(error instanceof RequestError && /multiaddr/.test(error.message), String(error))
      assert.equal(error.code, code)
      return true
    })
  assert.equal(asked, 1)
})

test('where no hub answers over HTTP the first connecting says so', OPTIONS, async t => {
  const answering = (status: number, body: string) =>
    server(t, (_, response) => void response.writeHead(status, { location: '/' }).end(body))
  const problem = (error: string): string => JSON.stringify({ ok: false, error })
  const mute = await server(t, () => undefined)
  const nobody = await nobodyThere()

  for (const [url, code, message, dialTimeoutMs = 60_000] of [
    [nobody, 'unreachable', /no node listens/],
    [await answering(200, '<html>'), 'not_oap', /no hub over HTTP/],
    [await answering(404, problem('not_found')), 'not_oap', /gateway.enabled/],
    [await answering(421, problem('misdirected')), 'not_oap', /gateway.hosts/],
    [await answering(302, ''), 'not_oap', /no hub over HTTP/],
    [mute, 'unreachable', /no answer in time/, 500]
  ] as const)
    await assert.rejects(hubClient(t, { url, dialTimeoutMs }), error => {
      assert.ok(error instanceof ConnectError)
      assert.equal(error.code, code, url)
      assert.match(error.message, message)
      return true
    })
  await assert.rejects(hubClient(t, { url: [nobody, '/ip4/127.0.0.1/tcp/1'] }), TypeError)
  await assert.rejects(hubClient(t, { url: nobody, token: 'two words' }), TypeError)
  await assert.rejects(hubClient(t, { url: '/ip4/127.0.0.1/tcp/1', token: WRITE }), TypeError)
})

test('of several addresses the next is taken when one does not answer', OPTIONS, async t => {
  const url = await httpNode(t)
  const hub = await hubClient(t, { url: [await nobodyThere(), url], token: WRITE })

  assert.equal((await hub.mailbox.send('orders', 'hello')).isDuplicate, false)
})

test('an answer has a bound and a form, and an error says that it has not', OPTIONS, async t => {
  const answers: Record<string, string> = {
    '/mailbox/v1/send': 'x'.repeat(20_000_000),
    '/mailbox/v1/stats': '{"ok":true,"depth":"many"}',
    '/mailbox/v1/recv': '{"ok":true,"items":[{"body_b64":"!"}]}',
    '/mailbox/v1/subscribe': `event: delivery\ndata: ${'x'.repeat(9_000_000)}`,
    '/storage/v1/has': '{"ok":true,"has":[]}'
  }
  const url = await server(
    t,
    afterProbe((request, response) => {
      response.on('error', () => undefined)
      response.end(answers[request.url!] ?? '{"ok":true}')
    })
  )
  const hub = await hubClient(t, { url })
  const cid = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'

  for (const call of [
    () => hub.mailbox.send('orders', 'hello'),
    () => hub.mailbox.stats('orders'),
    () => hub.mailbox.recv('orders'),
    () => hub.mailbox.subscribe('orders')[Symbol.asyncIterator]().next(),
    () => hub.storage.has(cid),
    () => hub.storage.get(cid),
    () => hub.storage.put('hello')
  ])
    await assert.rejects(call(), error => {
      assert.ok(error instanceof LinkError && !error.retryable, String(error))
      return true
    })
})

test(
  'waits as long as a node asks before it repeats, and hands on what asks for more than there is time',
  OPTIONS,
  async t => {
    const url = await server(
      t,
      afterProbe((_, response) =>
        response
          .writeHead(429, { 'retry-after': '40' })
          .end(JSON.stringify({ ok: false, error: 'rate_limited' }))
      )
    )
    const hub = await hubClient(t, { url })

    await assert.rejects(hub.mailbox.stats('orders'), error => {
      assert.ok(error instanceof BusyError)
      assert.deepEqual([error.code, error.retryAfterMs], ['rate_limited', 40_000])
      return true
    })
  }
)

test('a stream of events that ends is opened again, one that fails for good is not', OPTIONS, async t => {
  let asked = 0
  const delivery = {
    msg_id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    topic: 'orders',
    priority: 4,
    sent_at: 1,
    expires_at: 2,
    attempt: 1,
    body: 'hello'
  }
  const endings = [
    'event: end\ndata: {"ok":true}\n\n',
    '',
    'event: error\ndata: {"ok":false,"error":"not_ready","retry_after_sec":1}\n\n',
    'event: error\ndata: {"ok":false,"error":"unauthorized","message":"the token was taken back"}\n\n'
  ]
  const url = await server(
    t,
    afterProbe((_, response) =>
      response.end(`: open\n\nevent: delivery\ndata: ${JSON.stringify(delivery)}\n\n${endings[asked++]}`)
    )
  )
  const hub = await hubClient(t, { url, retry: { baseMs: 1 } })
  const seen: string[] = []

  await assert.rejects(
    async () => {
      for await (const { text } of bound(hub.mailbox.subscribe('orders'))) seen.push(text())
    },
    { name: 'CapabilityError', code: 'unauthorized', status: 401, message: 'the token was taken back' }
  )

  assert.deepEqual(seen, ['hello', 'hello', 'hello', 'hello'])
})

async function* bound<T extends { text(): string }>(items: AsyncIterable<T>) {
  for await (const item of items) yield { text: () => item.text() }
}

test('what is under way when the client is closed ends', OPTIONS, async t => {
  const url = await server(
    t,
    afterProbe(() => undefined)
  )
  const hub = await hubClient(t, { url })
  const waiting = [
    hub.mailbox.stats('orders'),
    hub.mailbox.subscribe('orders')[Symbol.asyncIterator]().next()
  ]
  const ends = Promise.allSettled(waiting)

  await hub.close()

  for (const end of await ends)
    assert.equal(end.status === 'rejected' && (end.reason as LinkError).reason, 'closed')
  await assert.rejects(hub.mailbox.stats('orders'), { reason: 'closed' })
})
