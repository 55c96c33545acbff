import assert from 'node:assert/strict'
import test from 'node:test'
import { plainPlatform } from './platform.ts'
import { defineService, header, opaque, serviceDirectory, unary } from './service.ts'
import { OapError } from './errors.ts'
import { FLAG, encodeFrame } from './frame.ts'
import { encodeRecord } from './record.ts'
import { OpenBudget, OpenConnection, bytes, pair, quiet, table } from './session-pair.fixture.ts'

/** A zstd frame of three bytes, stored raw, behind the header of a call. */
const STREAM_OF_ONE_PACKED = encodeRecord(
  { op: 'stream' },
  Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x19, 0, 0, 1, 2, 3)
)

const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
}

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
  assert.equal(budget.held, 500 + 128)

  await body[Symbol.asyncIterator]().return?.()

  assert.equal(budget.held, 0)
})

test('counts what a piece costs beside its bytes', async () => {
  const { calls, budget } = pair({}, true)
  const { body } = await calls.stream({}, { body: Array.from({ length: 50 }, () => new Uint8Array(1)) })
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))

  assert.equal(budget.held, 50 * (1 + 128))
  await body[Symbol.asyncIterator]().return?.()
})

test('inflates nothing of an upload before its guard has said yes, and nothing at all after a no', async () => {
  const verdicts = [1, 2].map(() => Promise.withResolvers<OapError | undefined>())
  let inflated = 0
  const { left } = pair({
    guard: ({ call }) => verdicts[Number(call.corrId) - 1]!.promise,
    platform: { ...plainPlatform, inflate: () => new Uint8Array(++inflated) }
  })
  const flags = FLAG.REQ | FLAG.START | FLAG.COMP
  for (const corr of [1, 2])
    left.send(encodeFrame({ flags, app: 0x1001, corr, payload: STREAM_OF_ONE_PACKED }))
  await settled()
  const before = inflated

  verdicts[1]!.resolve(new OapError('cap_denied'))
  await settled()
  const afterNo = inflated
  verdicts[0]!.resolve(undefined)
  await settled()

  assert.deepEqual([before, afterNo, inflated], [0, 0, 1])
})

test('gives back what a handler did not read of a body before it answered', async () => {
  const whole = defineService({
    name: 'whole',
    app: 0x1002,
    operations: { put: unary({ verb: 'whole:put', request: header({}), answer: opaque, upload: true }) }
  })
  const services = serviceDirectory([{ table: whole, handlers: { put: () => new Uint8Array(0) } as never }])
  const { left, connection } = pair({ services })
  const start = { flags: FLAG.REQ | FLAG.START, app: 0x1002, corr: 1, payload: bytes('{"op":"put"}') }
  const piece = { flags: FLAG.REQ, app: 0x1002, corr: 1, payload: new Uint8Array(40_000) }

  left.send(Uint8Array.from(Buffer.concat([encodeFrame(start), encodeFrame(piece), encodeFrame(piece)])))
  await settled()

  assert.equal(connection.calls, 0)
  assert.equal(connection.budget.held, 0)
})

test('refuses a call whose packed piece does not unpack when its handler comes to it', async () => {
  const answered: number[] = []
  const { left } = pair({
    observer: { ...quiet, answered: (_, status) => void answered.push(status) },
    platform: {
      ...plainPlatform,
      inflate: () => {
        throw new Error('broken')
      }
    }
  })
  const flags = FLAG.REQ | FLAG.START | FLAG.COMP
  left.send(encodeFrame({ flags, app: 0x1001, corr: 1, payload: STREAM_OF_ONE_PACKED }))

  await settled()

  assert.deepEqual(answered, [400])
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

test('times a frame that became partial only when reading went on', async () => {
  const budget = new (class extends OpenBudget {
    room = false
    waiting: (() => void) | undefined
    override reserve(n: number): boolean {
      return this.room && super.reserve(n)
    }
    override onRoom(listener?: () => void): void {
      this.waiting = listener
    }
  })()
  const connection = new (class extends OpenConnection {
    override readonly budget = budget
  })()
  const { server, calls, left, right } = pair({ connection })
  await calls.echo({})
  const before = right.sentBytes
  left.send(
    encodeFrame({ flags: FLAG.REQ, app: 0x1001, corr: 1, payload: new Uint8Array(500) }).subarray(0, 100)
  )
  await turns(3)
  budget.room = true
  budget.waiting?.()
  await turns(2)

  const now = plainPlatform.now()
  server.tick(now)
  server.tick(now + 16_000)
  await turns(3)

  assert.ok(right.sentBytes > before, 'no 408 was sent')
})

test('keeps a session whose first frame was refused', async () => {
  const { server, left, calls } = pair()
  left.send(
    Buffer.from('24000000010900000001000000000000000000000000000000000009000700000000000000636170', 'hex')
  )
  await turns(3)

  const now = plainPlatform.now()
  server.tick(now + 6000)

  assert.deepEqual(await calls.echo({ body: bytes('alive') }), bytes('alive'))
})

test('leaves no stream behind when a call cannot be opened', async () => {
  const { calls, left } = pair({}, true)

  await assert.rejects(calls.stream({}, { tenant: 'no uuid' }), (e: OapError) => e.code === 'bad_request')

  assert.equal(left.status, 'aborted')
})

test('refuses an event that no frame can carry', async () => {
  const limits = { maxFrameBytes: 4096, maxInflight: 64 }
  const connection = new OpenConnection()
  connection.limits = limits
  const { calls } = pair({ connection }, true)

  const events = await calls.long({})

  await assert.rejects(
    async () => {
      for await (const event of events) void event
    },
    (e: OapError) => e.code === 'body_oversize'
  )
})

const turns = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise(resolve => setImmediate(resolve))
}
