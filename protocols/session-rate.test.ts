import assert from 'node:assert/strict'
import test from 'node:test'
import type { StreamedResult } from './client.ts'
import { plainPlatform } from './platform.ts'
import type { Platform } from './platform.ts'
import type { Guard } from './server-options.ts'
import { OpenConnection, pair } from './session-pair.fixture.ts'
import { TokenBucket } from './token-bucket.ts'

const RATE = 100_000
const BODY_BYTES = 1_000_000
/** One frame, or what an answer sends in a row, may be beyond the rate before it shows. */
const SLACK_BYTES = 131_072 + 65_536

/** Time that goes on when it is told to. */
class FakeTime {
  #now = 0
  readonly #timers = new Map<object, { readonly at: number; readonly run: () => void }>()

  get timers(): number {
    return this.#timers.size
  }

  readonly platform: Platform = {
    ...plainPlatform,
    now: () => this.#now,
    setTimer: (run, ms) => {
      const timer = {}
      this.#timers.set(timer, { at: this.#now + ms, run })
      return timer
    },
    clearTimer: timer => void this.#timers.delete(timer as object)
  }

  now(): number {
    return this.#now
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const [timer, { at, run }] of this.#timers) {
      if (at > this.#now) continue
      this.#timers.delete(timer)
      run()
    }
    await settled()
  }
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await new Promise(resolve => setImmediate(resolve))
}

/** A connection of which only so many bytes a second are taken, or given. */
class RatedConnection extends OpenConnection {
  readonly #time: FakeTime
  readonly #way: 'in' | 'out'
  readonly #bucket = new TokenBucket(RATE, RATE, 0)

  constructor(time: FakeTime, way: 'in' | 'out') {
    super()
    this.#time = time
    this.#way = way
  }

  override received(bytes = 0): number {
    return this.#way === 'in' ? counted(this.#bucket, bytes, this.#time) : 0
  }

  override sent(bytes = 0): number {
    return this.#way === 'out' ? counted(this.#bucket, bytes, this.#time) : 0
  }
}

function counted(bucket: TokenBucket, bytes: number, time: FakeTime): number {
  bucket.charge(bytes, time.now())
  return bucket.msUntil(0, time.now())
}

/** A guard that has a tenant of `RATE` bytes a second, both ways, pay for every call. */
function ofTenant(time: FakeTime): Guard {
  const bucket = new TokenBucket(RATE, RATE, 0)
  return ({ call }) => {
    call.spending = {
      spend: bytes => {
        bucket.charge(bytes, time.now())
        return true
      },
      wait: now => bucket.msUntil(0, now)
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

for (const [what, way] of [
  ['an upload beyond a connection’s rate is read at the rate', 'in'],
  ['an answer beyond a connection’s rate is written at the rate', 'out']
] as const) {
  test(`${what}, and nothing of it is lost`, async () => {
    const time = new FakeTime()
    const connection = new RatedConnection(time, way)
    const { calls } = pair({ connection, platform: time.platform }, true)
    const taken = taking(await calls.stream({}, { body: pieces() }))

    const seconds = await withinRate(
      time,
      () => taken.bytes,
      () => taken.isOver
    )

    assert.equal(taken.bytes, BODY_BYTES)
    assert.ok(seconds > 7 && seconds < 12, `${seconds} s`)
    assert.deepEqual([connection.calls, connection.budget.held, time.timers], [0, 0, 0])
  })
}

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
  const connection = new RatedConnection(time, 'out')
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
})

for (const [what, way] of [
  ['an upload', 'in'],
  ['an answer', 'out']
] as const) {
  test(`a caller who leaves while ${what} is held back leaves no timer and no call behind`, async () => {
    const time = new FakeTime()
    const connection = new RatedConnection(time, way)
    const { calls, left } = pair({ connection, platform: time.platform }, true)
    taking(await calls.stream({}, { body: pieces() }))
    await settled()
    const held = time.timers

    left.abort(new Error('enough'))
    await settled()

    assert.equal(held, 1)
    assert.deepEqual([connection.calls, connection.budget.held, time.timers], [0, 0, 0])
  })
}
