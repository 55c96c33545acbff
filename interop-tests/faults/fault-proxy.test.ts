import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { bytesOf } from './calls.ts'
import { bothWays } from './fault-plan.ts'
import type { LinkPlan } from './fault-plan.ts'
import { FaultProxy } from './fault-proxy.ts'
import { HIGH_WATER_BYTES } from './flow.ts'

const READ_BYTES = 65_536

/** A client's socket and the node's end of the same connection, the proxy between them. */
async function joined(t: TestContext, plan: LinkPlan = {}, seed = 1) {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await FaultProxy.listen({ target: (server.address() as AddressInfo).port, plan, seed })
  const client = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true })
  client.on('error', () => {})
  const [node] = (await once(server, 'connection')) as [Socket]
  node.on('error', () => {})
  t.after(async () => {
    client.destroy()
    node.destroy()
    server.close()
    await proxy[Symbol.asyncDispose]()
  })
  return { proxy, client, node }
}

/** Resolves with why the socket closed, or with nothing for a peaceful end. */
const closing = (socket: Socket): Promise<string | undefined> =>
  new Promise(resolve => {
    let code: string | undefined
    socket.on('error', error => (code = (error as NodeJS.ErrnoException).code))
    socket.on('close', () => resolve(code))
    socket.resume()
  })

test('passes bytes and ends both ways', async t => {
  const { client, node } = await joined(t)
  const sent = Buffer.from(bytesOf(1, 300_000))
  node.pipe(node)
  client.end(sent)

  assert.deepEqual(await buffer(client), sent)
})

test('flips the same bits for the same seed', async t => {
  const plan = { up: { corruption: { fromByte: 1000, rate: 0.3 } } }
  const sent = bytesOf(1, 100_000)
  const received: Buffer[] = []
  for (const seed of [5, 5, 6]) {
    const { client, node } = await joined(t, plan, seed)
    client.end(sent)
    received.push(await buffer(node))
  }
  const [first, same, other] = received

  assert.equal(first!.length, sent.length)
  assert.deepEqual(first, same)
  assert.notDeepEqual(first, other)
  assert.notDeepEqual(first, Buffer.from(sent))
  assert.deepEqual(first!.subarray(0, 1000), Buffer.from(sent.subarray(0, 1000)))
})

test('holds no more than its bound while nobody reads', async t => {
  const { client, node, proxy } = await joined(t)
  node.pause()
  const stalled = new Promise<void>(resolve => {
    const sendOn = (): void => {
      while (client.write(Buffer.alloc(READ_BYTES)));
      const before = client.bytesWritten - client.writableLength
      setTimeout(() => (client.bytesWritten - client.writableLength === before ? resolve() : sendOn()), 100)
    }
    sendOn()
  })

  await stalled

  assert.ok(client.writableLength > 0)
  assert.ok(proxy.peakHeldBytes <= HIGH_WATER_BYTES + READ_BYTES, `held ${proxy.peakHeldBytes}`)
})

test('resets both sides at the byte named', async t => {
  const { client, node } = await joined(t, { up: { cuts: [{ atByte: 500, kind: 'reset' }] } })
  const clientClosed = closing(client)
  const nodeClosed = closing(node)

  client.write(Buffer.alloc(600))

  assert.equal(await clientClosed, 'ECONNRESET')
  assert.equal(await nodeClosed, 'ECONNRESET')
})

test('half-closes one way and leaves the other open', async t => {
  const { client, node } = await joined(t, { up: { cuts: [{ atByte: 500, kind: 'half-close' }] } })

  client.write(Buffer.alloc(600, 7))
  assert.deepEqual(await buffer(node), Buffer.alloc(500, 7))
  node.end('still here')

  assert.equal(String(await buffer(client)), 'still here')
})

test('a partition silences one way only, and gives everything back when it heals', async t => {
  const { client, node, proxy } = await joined(t)
  proxy.partition('up')
  client.end('late')
  let arrived = ''
  node.on('data', piece => (arrived += String(piece)))
  node.write('through')

  const [down] = (await once(client, 'data')) as [Buffer]
  assert.equal(String(down), 'through')
  assert.equal(arrived, '')
  proxy.heal()
  await once(node, 'end')

  assert.equal(arrived, 'late')
})

test('a partition swallows even the reset of one side until it heals', async t => {
  const { client, node, proxy } = await joined(t)
  proxy.partition('both')
  let isClosed = false
  const nodeClosed = closing(node).then(code => {
    isClosed = true
    return code
  })
  client.resetAndDestroy()
  await once(client, 'close')
  await new Promise(setImmediate)
  assert.equal(isClosed, false)

  proxy.heal()

  assert.equal(await nodeClosed, 'ECONNRESET')
})

test('a partition in the plan begins at its byte and heals by itself', async t => {
  const plan: LinkPlan = { up: { cuts: [{ atByte: 10, kind: 'partition', ways: 'both', forMs: 150 }] } }
  const { client, node } = await joined(t, plan)
  const started = performance.now()

  client.end(Buffer.alloc(20))
  const received = await buffer(node)

  assert.equal(received.length, 20)
  assert.ok(performance.now() - started >= 140)
})

test('delays by its latency and dribbles', async t => {
  const { client, node } = await joined(t, {
    up: { latencyMs: 60, dribble: { fromByte: 5, bytes: 1, everyMs: 20 } }
  })
  const started = performance.now()

  client.end(Buffer.alloc(8))
  await buffer(node)

  assert.ok(performance.now() - started >= 90)
})

test('clear ends the harm of open connections and of those to come', async t => {
  const { client, node, proxy } = await joined(t, bothWays({ latencyMs: 600_000 }))
  client.end('held')

  proxy.clear()

  assert.equal(String(await buffer(node)), 'held')
})

test('closes its links when it is disposed of', async t => {
  const { client, proxy } = await joined(t)
  const closed = closing(client)

  await proxy[Symbol.asyncDispose]()
  await closed

  assert.equal(proxy.links, 0)
})
