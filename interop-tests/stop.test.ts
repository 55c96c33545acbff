import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import test from 'node:test'
import { echoService } from 'omnigate/protocols'
import { OapError, connect } from 'omnigate/sdk'
import { within } from './child.ts'
import { OurNode } from './our-node.ts'

const END_MS = 60_000

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets running calls finish, then ends with 0`, async () => {
    await using node = await OurNode.start()
    await using hub = await connect(node.address)
    const events = await hub.client(echoService).ticks({ count: 4, interval_ms: 300 })
    const iterator = events[Symbol.asyncIterator]()
    await iterator.next()

    node.child.signal(signal)
    const rest = await within(END_MS, 'the last event', takeRest(iterator))
    const { code, stderr } = await node.child.ended(END_MS)

    assert.deepEqual(rest, [1, 2, 3])
    assert.equal(code, 0, stderr)
  })
}

test('a node that stops refuses new calls with 503 draining and a time to come back', async () => {
  await using node = await OurNode.start()
  await using hub = await connect(node.address)
  const echo = hub.client(echoService)
  const events = await echo.ticks({ count: 3, interval_ms: 500 })
  const iterator = events[Symbol.asyncIterator]()
  await iterator.next()

  node.child.signal('SIGTERM')
  await iterator.next()
  const refusal: unknown = await echo.echo({}).catch((error: unknown) => error)

  assert.ok(refusal instanceof OapError, String(refusal))
  assert.equal(refusal.code, 'draining')
  assert.equal(refusal.status, 503)
  assert.ok(refusal.retryAfterMs! >= 1000 && refusal.retryAfterMs! <= 5000)
  assert.equal((await node.child.ended(END_MS)).code, 0)
})

test('a call that outlasts the drain is cut off, and the node still ends with 0', async () => {
  await using node = await OurNode.start({ env: { OMNIGATE_NODE__DRAIN_TIMEOUT_MS: '300' } })
  await using hub = await connect(node.address)
  const events = await hub.client(echoService).ticks({ count: 10, interval_ms: 60_000 })
  const iterator = events[Symbol.asyncIterator]()
  await iterator.next()

  node.child.signal('SIGTERM')
  const { code } = await node.child.ended(END_MS)

  assert.equal(code, 0)
  await assert.rejects(within(END_MS, 'a failure', iterator.next()), OapError)
})

const TOKEN = 'write-token-of-at-least-32-bytes-1'
/** More than lies between two sockets of one machine. */
const BLOB_BYTES = 24 * 2 ** 20

test('a node that stops lets downloads finish over HTTP, says at /readyz that it drains, and refuses new calls', async () => {
  await using node = await OurNode.start({
    env: {
      OMNIGATE_HTTP__ENABLED: 'true',
      OMNIGATE_HTTP__LISTEN: '127.0.0.1:0',
      OMNIGATE_HTTP__GATEWAY: 'true',
      OMNIGATE_NODE__DRAIN_TIMEOUT_MS: String(END_MS),
      AMS_WRITE_TOKEN: TOKEN
    }
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Bearer ${TOKEN}` }
  const opened = async (path: string, from?: Agent): Promise<IncomingMessage> => {
    const [answer] = await once(get(node.http + path, { headers, ...(from && { agent: from }) }), 'response')
    return answer as IncomingMessage
  }
  const ready = async (): Promise<readonly unknown[]> => {
    const answer = await opened('/readyz', agent)
    const { missing } = JSON.parse((await buffer(answer)).toString()) as { readonly missing: string[] }
    return [answer.statusCode, missing]
  }
  const blob = randomBytes(BLOB_BYTES)
  const kept = await fetch(`${node.http}/storage/v1/blobs?class=public`, {
    method: 'POST',
    headers,
    body: blob
  })
  const { cid } = (await kept.json()) as { readonly cid: string }
  const whole = await opened(`/storage/v1/${cid}`)
  const car = await opened(`/ipfs/${cid}?format=car`)
  assert.deepEqual(await ready(), [200, []])

  node.child.signal('SIGTERM')
  let standing = await ready()
  while (standing[0] === 200) standing = await ready()
  const refused = await Promise.all(
    ['/ams/v1/envelopes', '/mailbox/v1/send', '/storage/v1/blobs'].map(async path => {
      const answer = await fetch(node.http + path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{}'
      })
      const { error } = (await answer.json()) as { readonly error: string }
      return [answer.status, error, answer.headers.has('retry-after')]
    })
  )
  const [bytes, blocks] = await within(END_MS, 'two downloads', Promise.all([buffer(whole), buffer(car)]))
  agent.destroy()

  assert.deepEqual(standing, [503, ['draining']])
  assert.deepEqual(
    refused,
    Array.from({ length: 3 }, () => [503, 'draining', true])
  )
  assert.ok(bytes.equals(blob))
  assert.ok(blocks.length > BLOB_BYTES && car.complete)
  const { code, stderr } = await node.child.ended(END_MS)
  assert.equal(code, 0, stderr)
  assert.match(stderr, /"requests_cut_off":0/)
})

async function takeRest(iterator: AsyncIterator<{ n: number }>): Promise<number[]> {
  const numbers: number[] = []
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
    numbers.push(next.value.n)
  return numbers
}
