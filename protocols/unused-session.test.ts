import assert from 'node:assert/strict'
import test from 'node:test'
import { ConnectionCaller } from './connection-caller.ts'
import { memoryStreams } from './memory-streams.ts'
import { FakeTime, settled } from './rated-session.fixture.ts'
import { OpenConnection, bytes, quiet, serving, table } from './session-pair.fixture.ts'
import { ServerSession } from './server-session.ts'

const TICK_MS = 250

/** An opener and a responder over streams in memory; how often the responder refused is counted by reason. */
class Pair {
  readonly refused: string[] = []
  readonly sessions: ServerSession[] = []
  readonly caller: ConnectionCaller
  readonly #time = new FakeTime()
  #asleepMs = 0

  constructor() {
    const platform = { ...this.#time.platform, now: () => this.#time.now() + this.#asleepMs }
    this.caller = new ConnectionCaller({ platform, openStream: () => Promise.resolve(this.#open()) })
  }

  get timers(): number {
    return this.#time.timers
  }

  get calls() {
    return this.caller.client(table)
  }

  /** Time that passes for both sides, judged as often as a node does. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      await this.#time.pass(TICK_MS)
      for (const session of this.sessions) session.tick(this.#time.now())
    }
    await settled()
  }

  /** Time that passes without a timer, as while the process does not run. */
  asleep(ms: number): void {
    this.#asleepMs += ms
  }

  #open() {
    const [left, right] = memoryStreams()
    const session = new ServerSession(right, {
      connection: new OpenConnection(),
      services: serving({ sent: 0 }),
      facts: () => assert.fail('no HELLO is sent'),
      platform: this.#time.platform,
      observer: { ...quiet, rejected: reason => this.refused.push(reason) },
      onClose: () => this.sessions.splice(this.sessions.indexOf(session), 1)
    })
    this.sessions.push(session)
    return left
  }
}

test('a session that nothing is sent on is ended by its opener before the responder takes it for a slow one', async () => {
  const both = new Pair()
  await both.caller.shared()

  await both.pass(20_000)

  assert.deepEqual(both.refused, [])
  assert.equal(both.sessions.length, 0)
  assert.deepEqual(await both.calls.echo({ body: bytes('later') }), bytes('later'))
  assert.equal(both.sessions.length, 1)
})

test('the first call may come as late as the responder would wait for it, and is not lost', async () => {
  for (let ms = 4000; ms <= 6000; ms += TICK_MS) {
    const both = new Pair()
    await both.caller.shared()
    await both.pass(ms)

    assert.deepEqual(await both.calls.echo({ body: bytes('late') }), bytes('late'), `after ${ms} ms`)
    assert.deepEqual(both.refused, [])
  }
})

test('a session that is used goes on, with one call under way and between calls', async () => {
  const both = new Pair()
  const leaving = new AbortController()
  const late = both.calls.late({}, { signal: leaving.signal })
  await both.pass(10_000)
  assert.equal(both.sessions.length, 1)
  leaving.abort(new Error('enough'))
  await assert.rejects(late, { message: 'enough' })

  await both.pass(30_000)
  await both.calls.echo({})

  assert.equal(both.sessions.length, 1)
  assert.deepEqual(both.refused, [])
})

test('a session that is gone is held by no timer', async () => {
  const both = new Pair()
  await both.caller.shared()
  assert.equal(both.timers, 1)

  await both.caller.end()
  await both.pass(TICK_MS)

  assert.equal(both.timers, 0)
})

test('a first call of a process that did not run for long gets a new session, though no timer has ended the other', async () => {
  const both = new Pair()
  await both.caller.shared()
  const [first] = both.sessions
  both.asleep(4000)

  await both.calls.echo({})

  assert.notEqual(both.sessions.at(-1), first)
})
