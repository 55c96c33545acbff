import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { Bodies, ReaderGone } from './bodies.ts'
import type { BodiesClock, BodiesOptions } from './bodies.ts'

const MIB = 1_048_576

describe('a body', () => {
  test('is written in pieces, and the next is asked for when the reader took those before', async () => {
    const { bodies } = given()
    const reader = new Reader()
    let asked = 0
    function* pieces() {
      for (; asked < 3; asked++) yield new Uint8Array(100_000)
    }

    const sending = bodies.enter(reader.response).send(pieces())
    await turn()
    const first = [asked, [...reader.written]]
    await reader.takesAll()
    await sending

    assert.deepEqual(first, [0, [65_536]])
    assert.deepEqual(reader.written, [65_536, 34_464, 65_536, 34_464, 65_536, 34_464])
    assert.equal(bodies.bytes, 300_000)
  })

  test('is broken off when its reader takes nothing for too long', async () => {
    const { bodies, clock, cut } = given()
    const reader = new Reader()

    const sending = bodies.enter(reader.response).send([new Uint8Array(MIB)])
    await turn()
    clock.pass(999)
    const before = reader.response.destroyed
    clock.pass(1)

    await assert.rejects(sending, ReaderGone)
    assert.deepEqual([before, reader.response.destroyed, cut(), bodies.underWay], [false, true, 1, 0])
  })

  test('ends with its reader', async () => {
    const { bodies } = given()
    const reader = new Reader()
    const sending = bodies.enter(reader.response).send([new Uint8Array(MIB)])
    await turn()

    reader.response.destroy()

    await assert.rejects(sending, ReaderGone)
  })

  test('is broken off when its pieces end with an error', async () => {
    const { bodies } = given()
    const reader = new Reader()
    reader.isFast = true
    function* pieces() {
      yield new Uint8Array(10)
      throw new RangeError('rotten')
    }

    await assert.rejects(bodies.enter(reader.response).send(pieces()), RangeError)

    assert.deepEqual([reader.response.destroyed, reader.isEnded], [true, false])
  })

  test('waits until its bytes are paid for', async () => {
    const { bodies, clock } = given({ charge: () => 50 })
    const reader = new Reader()
    reader.isFast = true

    const sending = bodies.enter(reader.response).send([new Uint8Array(10), new Uint8Array(10)])
    await turn()
    const first = reader.written.length
    clock.pass(50)
    await turn()
    const second = reader.written.length
    clock.pass(50)
    await sending

    assert.deepEqual([first, second], [1, 2])
  })
})

describe('where there is no room for one more', () => {
  test('the reader that keeps its body waiting the longest makes way', async () => {
    const { bodies, clock, cut } = given()
    const [slow, slower] = [new Reader(), new Reader()]
    const gone = bodies.enter(slower.response).send([new Uint8Array(MIB)])
    await turn()
    clock.pass(10)
    const going = bodies.enter(slow.response).send([new Uint8Array(MIB)])
    await turn()
    clock.pass(100)

    const fast = new Reader()
    fast.isFast = true
    await bodies.enter(fast.response).send([new Uint8Array(MIB)])

    await assert.rejects(gone, ReaderGone)
    assert.deepEqual([fast.isEnded, slow.response.destroyed, cut()], [true, false, 1])
    await slow.takesAll()
    await going
  })

  test('one more is refused while all others are read', async () => {
    const { bodies, clock } = given()
    const readers = [new Reader(), new Reader()]
    for (const reader of readers)
      void bodies
        .enter(reader.response)
        .send([new Uint8Array(MIB)])
        .catch(() => undefined)
    await turn()
    clock.pass(99)

    assert.throws(() => bodies.enter(new Reader().response), { code: 'saturated' })
    assert.deepEqual(
      readers.map(({ response }) => response.destroyed),
      [false, false]
    )
  })

  test('an answer that is not there yet finds no place where those that are there may need it', () => {
    const { bodies } = given({ most: 3 })
    using _place = bodies.enter(new Reader().response)
    using _other = bodies.enter(new Reader().response)

    assert.throws(() => bodies.demandRoom(1), { code: 'saturated' })
    bodies.demandRoom(0)
  })

  test('an answer in one piece is waited for until it has left, and cut off where nobody takes it', async () => {
    const { bodies, clock, cut } = given()
    const [taking, leaving, still] = [new Reader(), new Reader(), new Reader()]
    taking.response.end()
    await bodies.left(taking.response)
    leaving.response.destroy()
    await bodies.left(leaving.response)
    assert.equal(cut(), 0)

    const left = bodies.left(still.response)
    clock.pass(1000)
    await left

    assert.deepEqual([still.response.destroyed, cut()], [true, 1])
  })

  test('a body that ended has made room', () => {
    const { bodies } = given()
    for (let n = 0; n < 10; n++) {
      using _place = bodies.enter(new Reader().response)
      assert.equal(bodies.underWay, 1)
    }
    assert.equal(bodies.underWay, 0)
  })
})

function given(options: Partial<BodiesOptions> = {}) {
  const clock = new ManualClock()
  let cut = 0
  const bodies = new Bodies({
    most: 2,
    stallMs: 1000,
    makesWayAfterMs: 100,
    charge: () => 0,
    clock,
    onCut: () => cut++,
    ...options
  })
  return { bodies, clock, cut: () => cut }
}

/** Takes each piece when it is told to, or at once. */
class Reader {
  readonly written: number[] = []
  isFast = false
  isEnded = false
  readonly #events = new EventEmitter()
  readonly response = Object.assign(this.#events, {
    destroyed: false,
    writableFinished: false,
    write: ({ length }: Uint8Array): boolean => (this.written.push(length), this.isFast),
    end: () => {
      this.isEnded = true
      queueMicrotask(() => this.#events.emit('finish'))
    },
    destroy: () => {
      this.response.destroyed = true
      this.#events.emit('close')
    }
  }) as unknown as ServerResponse

  async takesAll(): Promise<void> {
    for (let taken = 0; taken < this.written.length; taken++) {
      this.#events.emit('drain')
      await turn()
    }
  }
}

class ManualClock implements BodiesClock {
  #now = 0
  readonly #timers = new Set<{ readonly at: number; readonly late: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, late: () => void): () => void {
    const timer = { at: this.#now + ms, late }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  pass(ms: number): void {
    this.#now += ms
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.late()
    }
  }
}
