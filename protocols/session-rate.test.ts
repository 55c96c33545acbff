import assert from 'node:assert/strict'
import test from 'node:test'
import type { StreamedResult } from './client.ts'
import { FLAG, HEADER_BYTES, encodeFrame } from './frame.ts'
import { encodeJson } from './json.ts'
import { memoryStreams } from './memory-streams.ts'
import type { Platform } from './platform.ts'
import type { Guard, ServerSessionOptions } from './server-options.ts'
import { ServerSession } from './server-session.ts'
import { FakeTime, RATE, RatedConnection, settled } from './rated-session.fixture.ts'
import { pair, quiet, serving } from './session-pair.fixture.ts'
import { TokenBucket } from './token-bucket.ts'

const BODY_BYTES = 1_000_000
/** One frame, or what an answer sends in a row, may be beyond the rate before it shows. */
const SLACK_BYTES = 131_072 + 65_536

const { REQ, RESP, START, END, ACK_REQ } = FLAG
const APP = 0x1001

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)

/** A guard that has a tenant of `RATE` bytes a second, both ways, pay for every call. */
function ofTenant(time: FakeTime): Guard {
  const bucket = new TokenBucket(RATE, RATE, 0)
  return ({ call }) => {
    call.spending = {
      spend: () => true,
      answered() {},
      streamed: (bytes, now) => {
        assert.equal(now, time.now())
        return bucket.charge(bytes, now)
      }
    }
    return undefined
  }
}

function* pieces(): Generator<Uint8Array> {
  for (let sent = 0; sent < BODY_BYTES; sent += 20_000) yield new Uint8Array(20_000)
}

interface Taken {
  bytes: number
  isOver: boolean
}

function taking({ body }: StreamedResult<unknown>): Taken {
  const taken = { bytes: 0, isOver: false }
  const take = async (): Promise<void> => {
    for await (const piece of body) taken.bytes += piece.length
    taken.isOver = true
  }
  void take().catch(() => undefined)
  return taken
}

/** Lets time pass until it is over; what was taken by each moment is within the rate. Yields the seconds it took. */
async function withinRate(
  time: FakeTime,
  taken: () => number,
  isOver: () => boolean,
  rate = RATE
): Promise<number> {
  const since = time.now()
  while (!isOver()) {
    assert.ok(time.now() < 60_000, `only ${taken()} bytes in ${time.now()} ms`)
    await time.pass(50)
    const most = rate + (rate * time.now()) / 1000 + SLACK_BYTES
    assert.ok(taken() <= most, `${taken()} bytes in ${time.now()} ms`)
    assert.ok(time.timers <= 2, `${time.timers} timers`)
  }
  return (time.now() - since) / 1000
}

test('an upload and its answer beyond a connection’s rate run at it together, and nothing of them is lost', async () => {
  const time = new FakeTime()
  const connection = new RatedConnection(time)
  const { calls } = pair({ connection, platform: time.platform }, true)
  const taken = taking(await calls.stream({}, { body: pieces() }))

  const seconds = await withinRate(
    time,
    () => taken.bytes,
    () => taken.isOver
  )

  assert.equal(taken.bytes, BODY_BYTES)
  assert.ok(seconds > 17 && seconds < 22, `${seconds} s`)
  assert.deepEqual([connection.calls, connection.budget.held, time.timers], [0, 0, 0])
})

test('a tenant’s rate slows its uploads and its answers together', async () => {
  const time = new FakeTime()
  const { calls } = pair({ guard: ofTenant(time), platform: time.platform }, true)
  const taken = taking(await calls.stream({}, { body: pieces() }))

  const seconds = await withinRate(
    time,
    () => taken.bytes,
    () => taken.isOver
  )

  assert.equal(taken.bytes, BODY_BYTES)
  assert.ok(seconds > 17 && seconds < 22, `${seconds} s`)
})

test('events beyond the rate wait, and are not dropped', async () => {
  const time = new FakeTime()
  const connection = new RatedConnection(time)
  const { calls } = pair({ connection, platform: time.platform }, true)
  let bytes = 0
  let isOver = false
  const take = async (): Promise<void> => {
    for await (const event of await calls.many({ count: 100 })) bytes += event.length
    isOver = true
  }
  void take()

  const seconds = await withinRate(
    time,
    () => bytes,
    () => isOver
  )

  assert.equal(bytes, 100 * 5000)
  assert.ok(seconds > 2 && seconds < 6, `${seconds} s`)
  assert.equal(connection.streamedBytes, 100 * (5000 + HEADER_BYTES) + 2 * HEADER_BYTES)
})

/** A responder that is sent frames, and what it said of the calls that are over. */
function raw(time: FakeTime, rate = RATE, options: Partial<ServerSessionOptions> = {}) {
  const connection = new RatedConnection(time, rate)
  const [peer, far] = memoryStreams({ windowBytes: 1 << 24 })
  const ends: (readonly [corr: number, status: number])[] = []
  let got = 0
  peer.addEventListener('message', ({ data }) => (got += (data as Uint8Array).byteLength))
  const session = new ServerSession(far, {
    connection,
    services: serving({ sent: 0 }),
    facts: () => ({
      serverVersion: 'test',
      transports: [],
      revocationSeq: 0,
      apps: [APP],
      compression: false
    }),
    platform: time.platform,
    observer: { ...quiet, answered: (call, status) => void ends.push([Number(call.corr), status]) },
    ...options
  })
  const send = async (
    flags: number,
    corr: number,
    payload?: object | Uint8Array,
    app = APP
  ): Promise<number> => {
    const body =
      payload instanceof Uint8Array || payload === undefined ? payload : encodeJson(payload as never)
    const bytes = encodeFrame({ flags, app, corr, ...(body && { payload: body }) })
    peer.send(bytes)
    await settled()
    return bytes.length
  }
  return { connection, session, peer, ends, send, got: () => got }
}

const cancel = (corr: number): object => ({ op: 'cancel', corr: corr.toString(16).padStart(16, '0') })

test('HELLO, control and frames of nobody are charged beside streams and never hold reading back', async () => {
  const time = new FakeTime()
  const { connection, send, ends } = raw(time)
  connection.streamed(10 * RATE)
  const { streamedBytes } = connection

  const sent = [
    await send(0, 0, undefined, 0),
    await send(REQ | START | END, 9, cancel(7), 0),
    await send(REQ | END, 77, new Uint8Array(50_000)),
    await send(RESP | END, 3)
  ]
  await send(REQ | START | END, 1, { op: 'echo' })

  assert.equal(connection.otherBytes, sum(sent))
  assert.equal(connection.streamedBytes, streamedBytes)
  assert.deepEqual(ends, [[1, 0]])
})

test('an upload holds reading back only while its call is the only one that is open', async () => {
  const time = new FakeTime()
  const { connection, send, ends } = raw(time)
  await send(REQ | START | END, 1, { op: 'late' })
  await send(REQ | START, 2, { op: 'stream' })
  await send(REQ, 2, new Uint8Array(2 * RATE))

  await send(REQ | START | END, 3, { op: 'echo' })

  assert.ok(connection.streamedBytes > 2 * RATE)
  assert.deepEqual(ends, [[3, 0]])
})

test('when a deadline ends the call that holds reading back, reading goes on at once', async () => {
  const time = new FakeTime()
  const { send, ends } = raw(time)
  await send(REQ | START, 1, { op: 'stream', deadline_ms: 500 })
  await send(REQ, 1, new Uint8Array(9 * RATE))
  await send(REQ | START | END, 2, { op: 'echo' })
  const before = [...ends]

  await time.pass(500)

  assert.deepEqual(before, [])
  assert.deepEqual(ends, [
    [1, 504],
    [2, 0]
  ])
  assert.equal(time.timers, 0)
})

test('a session that is held back is not idle', async () => {
  const time = new FakeTime()
  const { send, session, ends } = raw(time, 1000)
  await send(REQ | START, 1, { op: 'stream' })
  await send(REQ, 1, new Uint8Array(200_000))

  for (let i = 0; i < 150; i++) {
    await time.pass(1000)
    session.tick(time.now())
  }
  const before = [...ends]
  await time.pass(500_000)
  await send(REQ | END, 1)
  await time.pass(500_000)

  assert.deepEqual(before, [])
  assert.deepEqual(ends, [[1, 0]])
})

test('callers who read to the end of their credit and leave have paid for every byte', async () => {
  const time = new FakeTime()
  const { connection, send, got } = raw(time, 1e9)
  for (let i = 1; i <= 5; i++) {
    await send(REQ | START | END | ACK_REQ, i, { op: 'many', count: 1000 })
    await send(REQ | START | END, 100 + i, cancel(i), 0)
  }

  assert.equal(connection.calls, 0)
  assert.ok(got() > 300_000)
  assert.equal(connection.streamedBytes, got())
})

test('a caller who leaves while its row waits has that row given back, and no wait begins for it', async () => {
  const time = new FakeTime()
  const { connection, peer, send, got } = raw(time)
  connection.streamed(10 * RATE)
  await send(REQ | START | END, 1, { op: 'many', count: 1000 })
  const held = time.timers

  peer.abort(new Error('enough'))
  await settled()
  await time.pass(20_000)

  assert.equal(held, 1)
  assert.deepEqual([connection.calls, time.timers], [0, 0])
  assert.equal(connection.streamedBytes, 10 * RATE + got())
})

test('a call that is over while its answer stands in line leaves no timer behind', async () => {
  const time = new FakeTime()
  const turns: (() => void)[] = []
  const platform: Platform = { ...time.platform, afterTurn: run => void turns.push(run) }
  const { connection, send } = raw(time, RATE, { platform })
  await send(REQ | START | END, 1, { op: 'many', count: 1000 })
  connection.streamed(10 * RATE)
  await send(REQ | START | END, 2, cancel(1), 0)
  assert.equal(connection.calls, 0)

  while (turns.length > 0) {
    turns.shift()!()
    await settled()
  }

  assert.equal(time.timers, 0)
})

test('a START for a call that is open, and a fault of one, are charged', async () => {
  const time = new FakeTime()
  const { connection, peer, send } = raw(time, 1e9)
  await send(REQ | START, 1, { op: 'stream' })
  const twice = await send(REQ | START | END, 1, new Uint8Array(100_000))
  await send(REQ | START, 2, { op: 'stream' })
  const broken = encodeFrame({ flags: REQ | START, app: APP, corr: 2, payload: new Uint8Array(100) })
  // A `cap_len` of more than the frame holds.
  broken[27] = 0xff
  peer.send(broken)
  await settled()

  assert.equal(connection.otherBytes, twice + broken.length)
})

test('many answers that wait leave one after the other, within the rate', async () => {
  const time = new FakeTime()
  const { connection, send, got } = raw(time)
  connection.streamed(RATE)
  for (let corr = 1; corr <= 20; corr++) await send(REQ | START | END, corr, { op: 'many', count: 1000 })
  const before = got()
  const steps: number[] = []

  for (let i = 0; i < 400; i++) {
    const was = got()
    await time.pass(50)
    steps.push(got() - was)
  }

  const row = 16 * (5000 + HEADER_BYTES)
  assert.ok(got() - before <= 20 * RATE + 20 * row, `${got() - before} bytes in 20 s`)
  assert.ok(got() - before >= 19 * RATE, `${got() - before} bytes in 20 s`)
  assert.ok(
    steps.slice(200).every(bytes => bytes <= row),
    `${Math.max(...steps.slice(200))} bytes at once`
  )
})
