import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError } from './errors.ts'
import { FLAG, encodeFrame } from './frame.ts'
import { encodeJson } from './json.ts'
import { memoryStreams } from './memory-streams.ts'
import { FakeTime, settled } from './rated-session.fixture.ts'
import { RefusalPace } from './refusal-pace.ts'
import { ServerSession } from './server-session.ts'
import { OpenConnection, quiet, serving } from './session-pair.fixture.ts'

const { REQ, START, END } = FLAG
const APP = 0x1001

class PacedConnection extends OpenConnection {
  readonly #time: FakeTime
  readonly #pace: RefusalPace

  constructor(time: FakeTime) {
    super()
    this.#time = time
    this.#pace = new RefusalPace(time.now())
  }

  override refused(calls: number): number {
    return this.#pace.refused(calls, this.#time.now())
  }
}

/** A session whose guard refuses every call, and the calls that it answered. */
function refusing(
  time: FakeTime,
  code: 'quota_tenant' | 'saturated',
  connection = new PacedConnection(time)
) {
  const [peer, right] = memoryStreams()
  const statuses: number[] = []
  const session = new ServerSession(right, {
    connection,
    services: serving({ sent: 0 }),
    facts: () => assert.fail('nobody said HELLO'),
    platform: time.platform,
    observer: { ...quiet, answered: (_call, status) => void statuses.push(status) },
    guard: () => new OapError(code)
  })
  const calls = (first: number, count: number): void => {
    const payload = encodeJson({ op: 'echo' })
    const frames = Array.from({ length: count }, (_, i) =>
      encodeFrame({ flags: REQ | START | END, app: APP, corr: first + i, payload })
    )
    peer.send(Buffer.concat(frames))
  }
  return { session, statuses, calls, leave: () => peer.abort(new Error('enough')) }
}

test('a hundred refusals in one go cost nothing, and a few more are not worth a wait', () => {
  const pace = new RefusalPace(0)
  const waits = Array.from({ length: 112 }, () => pace.refused(1, 0))

  assert.deepEqual(waits.slice(0, 109), Array<number>(109).fill(0))
  assert.deepEqual(waits.slice(109), [10, 11, 12])
})

test('a caller who waits a second after each refusal is never held', () => {
  const pace = new RefusalPace(0)
  for (let second = 0; second < 100; second++)
    for (let i = 0; i < 64; i++) assert.equal(pace.refused(1, second * 1000), 0)
})

test('calls that go on being refused are read at the pace of a connection, and each is answered', async () => {
  const time = new FakeTime()
  const { statuses, calls } = refusing(time, 'quota_tenant')
  calls(1, 1000)
  await settled()
  const atOnce = statuses.length
  const steps: number[] = []

  for (let ms = 0; ms < 500; ms += 10) {
    const before = statuses.length
    await time.pass(10)
    steps.push(statuses.length - before)
  }
  const afterHalf = statuses.length
  while (statuses.length < 1000 && time.now() < 10_000) await time.pass(10)

  assert.equal(atOnce, 110)
  assert.ok(Math.max(...steps) <= 21, `${Math.max(...steps)} in one step`)
  assert.ok(afterHalf > 500 && afterHalf <= 620, `${afterHalf} in half a second`)
  assert.deepEqual([statuses.length, new Set(statuses)], [1000, new Set([429])])
  await time.pass(1000)
  assert.equal(time.timers, 0)
})

test('no more than a second is ever owed, and asking costs nothing', () => {
  const pace = new RefusalPace(0)
  for (let i = 0; i < 100_000; i++) pace.refused(1, 0)

  assert.deepEqual([pace.refused(0, 0), pace.refused(0, 0)], [1000, 1000])
  assert.equal(pace.refused(0, 1000), 0)
})

test('a stream for each call is no way around it', async () => {
  const time = new FakeTime()
  const connection = new PacedConnection(time)
  const all: ReturnType<typeof refusing>[] = []
  for (let i = 0; i < 300; i++) {
    all.push(refusing(time, 'quota_tenant', connection))
    all.at(-1)!.calls(1, 1)
    await settled()
  }
  const answered = (): number => all.filter(({ statuses }) => statuses.length > 0).length
  const atOnce = answered()
  for (let step = 0; step < 100 && answered() < 300; step++) await time.pass(100)

  assert.equal(atOnce, 110)
  assert.equal(answered(), 300)
})

test('a stream that is gone is held no longer', async () => {
  const time = new FakeTime()
  const connection = new PacedConnection(time)
  const first = refusing(time, 'quota_tenant', connection)
  first.calls(1, 1000)
  await settled()
  const second = refusing(time, 'quota_tenant', connection)
  const held = time.timers

  first.leave()
  second.leave()
  await settled()

  assert.deepEqual([held, time.timers], [2, 0])
})

test('what the node itself is short of is refused at once', async () => {
  const { statuses, calls } = refusing(new FakeTime(), 'saturated')
  calls(1, 1000)
  await settled()

  assert.deepEqual([statuses.length, new Set(statuses)], [1000, new Set([503])])
})

test('the time in which nothing is read does not count against a frame that is under way', async () => {
  const time = new FakeTime()
  const { session, statuses, calls } = refusing(time, 'quota_tenant')
  for (let second = 0; second < 20; second++) {
    calls(1 + second * 1000, 1000)
    for (let i = 0; i < 4; i++) {
      await time.pass(250)
      session.tick(time.now())
    }
  }

  assert.deepEqual(new Set(statuses), new Set([429]))
})
