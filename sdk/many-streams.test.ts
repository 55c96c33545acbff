import assert from 'node:assert/strict'
import { test } from 'node:test'
import { echoService } from '../protocols/index.ts'
import { addressOf, hubClient, runningNode } from './hub.fixture.ts'

/** More than a node takes streams of one connection (256), and than one opens (512). */
const MANY = 700
/** Streams of their own that calls have at once. */
const AT_ONCE = 240

test(
  'streamed calls wait for one another where a connection takes no more streams',
  { timeout: 120_000 },
  async t => {
    const node = await runningNode(t)
    const hub = await hubClient(t, { url: addressOf(node) })
    const echo = hub.client(echoService)

    const lengths = await Promise.all(
      Array.from({ length: MANY }, async (_, n) => {
        const { body } = await echo.stream({}, { body: [Buffer.alloc(n + 1)] })
        let length = 0
        for await (const piece of body) length += piece.length
        return length
      })
    )

    assert.deepEqual(
      lengths,
      Array.from({ length: MANY }, (_, n) => n + 1)
    )
  }
)

test(
  'a streamed call waits for a stream until its deadline, or until its caller leaves',
  { timeout: 120_000 },
  async t => {
    const node = await runningNode(t)
    const hub = await hubClient(t, { url: addressOf(node) })
    const echo = hub.client(echoService)
    const open = await Promise.all(
      Array.from({ length: AT_ONCE }, () => echo.ticks({ count: 2, interval_ms: 60_000 }))
    )
    const caller = new AbortController()
    const left = echo.ticks({ count: 1 }, { signal: caller.signal })

    await assert.rejects(echo.ticks({ count: 1 }, { deadlineMs: 50 }), { code: 'deadline', status: 504 })
    caller.abort(new Error('left'))
    await assert.rejects(left, { message: 'left' })
    // What is unary has a session of its own.
    assert.equal(Buffer.from(await echo.echo({ body: Buffer.from('hello') })).toString(), 'hello')

    const next = echo.ticks({ count: 1 })
    await open[0]![Symbol.asyncIterator]().return!()
    const ticks: number[] = []
    for await (const { n } of await next) ticks.push(n)
    assert.deepEqual(ticks, [0])
  }
)
