import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import {
  OapError,
  defineService,
  echoService,
  header,
  headerAndBody,
  integer,
  json,
  opaque,
  optional,
  text,
  unary
} from '../protocols/index.ts'
import type { Service } from '../protocols/index.ts'
import { addressOf, hubClient, relayTo, runningNode } from './hub.fixture.ts'
import { BusyError, ConnectError, DeadlineError, LinkError, RequestError, createClient } from './index.ts'

const ECHO = 0x0001
const APP = 0x8002
const HELLO = Buffer.from('hello')

async function echoHub(t: TestContext) {
  const node = await runningNode(t)
  return hubClient(t, { url: addressOf(node) })
}

test('calls any app by its id, with a body or members, and names the call', async t => {
  const hub = await echoHub(t)

  const echoed = await hub.call(ECHO, 'echo', HELLO)
  const worked = await hub.call(ECHO, 'work', { ms: 1 })

  assert.equal(echoed.text(), 'hello')
  assert.deepEqual(worked.json(), { ms: 1 })
  assert.match(echoed.corr, /^[0-9a-f]{16}$/)
  assert.notEqual(echoed.corrId, worked.corrId)
})

test('streams both ways', async t => {
  const hub = await echoHub(t)
  const body = Array.from({ length: 20 }, (_, n) => Buffer.alloc(50_000, n))

  const stream = await hub.stream(ECHO, 'stream', Buffer.from('first'), { body })

  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  assert.deepEqual(Buffer.concat(pieces), Buffer.concat([Buffer.from('first'), ...body]))
  assert.ok(stream.corrId > 0n)
})

test('reads events for as long as they are wanted', async t => {
  const hub = await echoHub(t)
  const events = await hub.events(ECHO, 'ticks', { count: 1000 }, { credit: 1000 })

  const seen: unknown[] = []
  for await (const event of events) {
    seen.push(JSON.parse(String(Buffer.from(event))))
    if (seen.length === 3) break
  }

  assert.deepEqual(seen, [{ n: 0 }, { n: 1 }, { n: 2 }])
})

test('a sealed body goes through untouched, compressed or not', async t => {
  const hub = await echoHub(t)
  // What looks like zstd and is none: whoever opened it would fail.
  const sealed = Buffer.from('28b52ffd00000000', 'hex')

  for (const compress of [false, true]) {
    const { bytes } = await hub.call(ECHO, 'echo', sealed, { e2e: true, compress })

    assert.deepEqual(Buffer.from(bytes), sealed)
  }
})

test('compresses a body where that is asked', async t => {
  const hub = await echoHub(t)
  const long = Buffer.alloc(2000, 'abc ')

  assert.deepEqual(Buffer.from((await hub.call(ECHO, 'echo', long, { compress: true })).bytes), long)
})

test('refusals come in their class, with code, reason and corr_id', async t => {
  const hub = await echoHub(t)

  await assert.rejects(hub.call(0x8999, 'x'), error => {
    assert.ok(error instanceof RequestError)
    assert.equal(error.code, 'unknown_app')
    assert.ok(error.corrId! > 0n)
    return true
  })
  await assert.rejects(hub.call(ECHO, 'work', { ms: 1001 }), { code: 'bad_request' })
})

test('the caller leaves a call, and a deadline ends one, in the class of deadlines', async t => {
  const hub = await echoHub(t)
  const reason = new Error('enough')
  const stop = new AbortController()
  const working = hub.call(ECHO, 'work', { ms: 1000 }, { signal: stop.signal })
  stop.abort(reason)

  await assert.rejects(working, reason)
  await assert.rejects(hub.call(ECHO, 'work', { ms: 1000 }, { deadlineMs: 30 }), error => {
    assert.ok(error instanceof DeadlineError)
    assert.ok(error.corrId! > 0n)
    return true
  })
})

/** A service that counts what reaches it and does what the test says. */
function counting(answer: (made: number, seen: Seen) => Promise<void> | void) {
  const seen: Seen[] = []
  const table = defineService({
    name: 'counting',
    app: APP,
    operations: {
      write: unary({
        verb: 'counting:write',
        writes: true,
        request: headerAndBody({ idem_key: optional(text(64)) }),
        answer: opaque
      }),
      read: unary({ verb: 'counting:read', request: header({}), answer: json({ n: integer(0, 1000) }) })
    }
  })
  const service: Service<(typeof table)['operations']> = {
    table,
    handlers: {
      write: async ({ idem_key: key, body }, { signal }) => {
        const entry = { key, signal }
        seen.push(entry)
        await answer(seen.length, entry)
        return body ?? new Uint8Array(0)
      },
      read: async (_, { signal }) => {
        const entry = { key: undefined, signal }
        seen.push(entry)
        await answer(seen.length, entry)
        return { n: seen.length }
      }
    }
  }
  return { table, service, seen }
}

interface Seen {
  readonly key: string | undefined
  readonly signal: AbortSignal
}

/** A hub behind a relay that is cut as soon as the first call reached its handler. */
async function cutAtFirstCall(t: TestContext) {
  let cut = (): void => {}
  const app = counting((made, { signal }) => {
    if (made > 1) return undefined
    cut()
    return new Promise(resolve => signal.addEventListener('abort', () => resolve()))
  })
  const node = await runningNode(t, {}, { services: [app.service as unknown as Service] })
  const relay = await relayTo(t, addressOf(node))
  cut = relay.cut
  return { hub: await hubClient(t, { url: relay.address }), relay, ...app }
}

test('a write whose answer is lost is not made again', async t => {
  const { hub, seen } = await cutAtFirstCall(t)

  await assert.rejects(hub.call(APP, 'write', HELLO), error => {
    assert.ok(error instanceof LinkError)
    assert.deepEqual([error.code, error.reason], ['upstream', 'session_lost'])
    return true
  })

  assert.equal(seen.length, 1)
})

test('a write with an idempotency key is made again with it, over a new connection', async t => {
  const { hub, seen, relay } = await cutAtFirstCall(t)

  assert.equal((await hub.call(APP, 'write', HELLO, { idemKey: 'once' })).text(), 'hello')

  assert.deepEqual(
    seen.map(({ key }) => key),
    ['once', 'once']
  )
  assert.equal(relay.dials(), 2)
})

test('what a table says only reads is made again, what writes is not', async t => {
  const reading = await cutAtFirstCall(t)
  const writing = await cutAtFirstCall(t)

  assert.deepEqual(await reading.hub.client(reading.table).read({}), { n: 2 })
  await assert.rejects(writing.hub.client(writing.table).write({ body: HELLO }), { code: 'upstream' })
  assert.equal(writing.seen.length, 1)
})

test('a write that was refused for overload is made again', { timeout: 120_000 }, async t => {
  const app = counting(made => {
    if (made === 1) throw new OapError('saturated', 'full', { retryAfterMs: 1000 })
  })
  const node = await runningNode(t, {}, { services: [app.service as unknown as Service] })
  const hub = await hubClient(t, { url: addressOf(node) })
  const since = performance.now()

  await hub.call(APP, 'write', HELLO)

  assert.equal(app.seen.length, 2)
  assert.ok(performance.now() - since >= 995)
})

test('the last refusal is given, with its time to wait', async t => {
  const app = counting(() => {
    throw new OapError('saturated', 'full', { retryAfterMs: 1000 })
  })
  const node = await runningNode(t, {}, { services: [app.service as unknown as Service] })
  const hub = await hubClient(t, { url: addressOf(node) })

  await assert.rejects(hub.call(APP, 'write', HELLO, { deadlineMs: 900 }), error => {
    assert.ok(error instanceof BusyError)
    assert.equal(error.retryAfterMs, 1000)
    return true
  })
})

test('goes to the next address when one does not answer, and back again', async t => {
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: ['/ip4/127.0.0.1/tcp/1', addressOf(node)] })

  assert.equal((await hub.call(ECHO, 'echo', HELLO)).text(), 'hello')
})

test('says where no node answers', async t => {
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: addressOf(node) })
  await node.stop()

  await assert.rejects(hub.call(ECHO, 'echo', HELLO), error => {
    assert.ok(error instanceof ConnectError)
    assert.equal(error.code, 'unreachable')
    return true
  })
})

test('passes a traceparent on, of the call or of the client', async t => {
  const traces: unknown[] = []
  const table = defineService({
    name: 'traced',
    app: APP,
    operations: { see: unary({ verb: 'traced:see', request: header({}), answer: opaque }) }
  })
  const handlers = { see: () => new Uint8Array(0) }
  const node = await runningNode(t, {}, { services: [{ table, handlers }] })
  const spied = { ...table.operations.see.request }
  const see = { ...table.operations.see, request: spied }
  spied.encode = (op, value, extra) => {
    traces.push(extra['trace'])
    return table.operations.see.request.encode(op, value, extra)
  }
  const hub = await hubClient(t, { url: addressOf(node), traceparent: () => 'of the client' })
  const calls = hub.client({ ...table, operations: { see } })

  await calls.see({})
  await calls.see({}, { trace: 'of the call' })

  assert.deepEqual(traces, ['of the client', 'of the call'])
})

test('a closed client makes no calls', async t => {
  const hub = await echoHub(t)
  await hub.close()
  await hub.close()

  await assert.rejects(hub.call(ECHO, 'echo', HELLO), { code: 'upstream', reason: 'closed' })
  await assert.rejects(hub.client(echoService).stream({}), { code: 'upstream', reason: 'closed' })
})

for (const [what, options, says] of [
  ['no address', { url: [] }, /0 addresses; give the multiaddr/],
  ['an address that is none', { url: 'ftp://hub' }, /not a multiaddr/],
  ['a capability that is none', { url: '/ip4/127.0.0.1/tcp/1', cap: 'zz' }, /capability|token/],
  [
    'a key that is none',
    { url: '/ip4/127.0.0.1/tcp/1', key: 'c2VjcmV0' },
    /^TypeError: key: not a client key/
  ]
] as const) {
  test(`refuses ${what} before it dials`, async () => {
    await assert.rejects(createClient(options), error => {
      assert.match(String(error), says)
      assert.ok(!String(error).includes('c2VjcmV0'))
      return true
    })
  })
}
