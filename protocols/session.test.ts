import assert from 'node:assert/strict'
import test from 'node:test'
import type { OapError } from './errors.ts'
import { FLAG, encodeFrame } from './frame.ts'
import { bytes, pair, quiet, table } from './session-pair.fixture.ts'

async function collect(source: AsyncIterable<Uint8Array>): Promise<number> {
  let total = 0
  for await (const piece of source) total += piece.length
  return total
}

test('answers a unary call with the body it came with', async () => {
  const { calls } = pair()

  const body = await calls.echo({ body: bytes('hi') })

  assert.deepEqual(body, bytes('hi'))
})

test('puts an answer that needs many chunks together again', async () => {
  const { calls, connection } = pair()
  const big = new Uint8Array(900_000).map((_, i) => i)

  const body = await calls.echo({ body: big })

  assert.deepEqual(body, big)
  assert.equal(connection.calls, 0)
  assert.equal(connection.budget.held, 0)
})

test('sends all frames of one turn in one write', async () => {
  const { calls, left } = pair()
  let writes = 0
  const send = left.send.bind(left)
  left.send = data => {
    writes++
    return send(data)
  }

  await Promise.all(Array.from({ length: 50 }, () => calls.echo({ body: bytes('x') })))

  assert.ok(writes <= 3, `${writes} writes`)
})

test('streams a body both ways', async () => {
  const { calls, connection } = pair({}, true)
  const pieces = Array.from({ length: 64 }, () => new Uint8Array(131_072))

  const { body } = await calls.stream({}, { body: pieces })

  assert.equal(await collect(body), 64 * 131_072)
  assert.equal(connection.budget.held, 0)
})

test('makes the writer wait for a reader that does not read', async () => {
  const { calls, seen, left } = pair({}, true)
  const events = await calls.count({ to: 1000 }, { credit: 100 })
  const iterator = events[Symbol.asyncIterator]()

  await iterator.next()
  for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))

  assert.ok(seen.sent < 20, `${seen.sent} events produced`)
  await iterator.return?.()
  assert.notEqual(left.status, 'open')
})

test('frees what waits for a reader that leaves before it begins', async () => {
  const { calls, budget } = pair({}, true)
  const { body } = await calls.stream({}, { body: [new Uint8Array(500)] })
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(budget.held, 500)

  await body[Symbol.asyncIterator]().return?.()

  assert.equal(budget.held, 0)
})

test('lets a reader leave while it waits for the next event', async () => {
  const { calls, left } = pair({}, true)
  const events = (await calls.count({ to: 1000 }, { credit: 0 }))[Symbol.asyncIterator]()
  const waiting = events.next()

  await events.return?.()

  assert.equal((await waiting).done, true)
  assert.notEqual(left.status, 'open')
})

test('delivers every event within credit', async () => {
  const { calls } = pair({}, true)
  const events = await calls.count({ to: 500 }, { credit: 64 })
  let n = 0

  for await (const event of events) assert.equal(event.n, n++)

  assert.equal(n, 500)
})

test('cancels a call of a shared session without ending the session', async () => {
  const { calls, seen } = pair()
  const abort = new AbortController()
  const late = calls.late({}, { signal: abort.signal })
  await calls.echo({})

  abort.abort(new Error('enough'))

  await assert.rejects(late, /enough/)
  assert.deepEqual(await calls.echo({ body: bytes('alive') }), bytes('alive'))
  assert.equal(seen.signal?.aborted, true)
})

test('ends a call at its deadline with 504', async () => {
  const { calls, seen } = pair()

  const late = calls.late({}, { deadlineMs: 5 })

  await assert.rejects(late, (error: OapError) => error.code === 'deadline' && error.status === 504)
  assert.equal(seen.signal?.aborted, true)
})

test('tells a handler that its stream is gone', async () => {
  const { calls, seen, left } = pair()
  const late = calls.late({})
  await calls.echo({})

  left.abort(new Error('gone'))

  await assert.rejects(late, (error: OapError) => error.reason === 'session_lost')
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(seen.signal?.aborted, true)
})

test('answers HELLO with the smaller limits', async () => {
  const { session } = pair()

  const hello = await session.hello({ ua: 'test' })

  assert.equal(hello.maxInflight, 64)
  assert.deepEqual(hello.apps, [0, 0x1001])
})

test('takes nothing that follows what the stream is reset for, in the same piece', async () => {
  const { left, connection, seen } = pair()
  const wrong = encodeFrame({ flags: FLAG.RESP, app: table.app, corr: 1 })
  const late = encodeFrame({
    flags: FLAG.REQ | FLAG.START | FLAG.END,
    app: table.app,
    corr: 2,
    payload: bytes('{"op":"late"}')
  })
  const pieces = [...Array<Uint8Array>(16).fill(wrong), late, late.subarray(0, -1)]

  left.send(Uint8Array.from(Buffer.concat(pieces)))
  for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))

  assert.equal(left.status, 'reset')
  assert.equal(seen.signal, undefined)
  assert.equal(connection.calls, 0)
  assert.equal(connection.budget.held, 0)
})

test('loses one stream and nothing more when its own code throws', async () => {
  const broken: unknown[] = []
  const { session, left } = pair({
    facts: () => {
      throw new TypeError('a fault of ours')
    },
    observer: { ...quiet, broke: error => broken.push(error) }
  })

  await assert.rejects(session.hello({}), (error: OapError) => error.reason === 'session_lost')

  assert.equal(broken.length, 1)
  assert.equal(left.status, 'reset')
})
