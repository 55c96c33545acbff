import assert from 'node:assert/strict'
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

async function takeRest(iterator: AsyncIterator<{ n: number }>): Promise<number[]> {
  const numbers: number[] = []
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
    numbers.push(next.value.n)
  return numbers
}
