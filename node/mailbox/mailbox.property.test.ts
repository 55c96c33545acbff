import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { openLevel } from '../stores/level.ts'
import { RULE, TOPIC, bodyOf, openTestMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'
import { comesBefore } from './place.ts'
import type { Taken } from './receiving.ts'

const MOST_ATTEMPTS = 3
const TICK_MS = 100

interface Known {
  readonly id: string
  readonly priority: number
  readonly body: string
  attempts: number
  /** Unix ms from when it is ready, where it waits. */
  readyAt: number
  state: 'waits' | 'leased' | 'acked' | 'dead'
}

interface Held {
  readonly taken: Taken
  readonly item: { readonly msg_id: string; readonly lease: string }
  readonly message: Known
  deadline: number
  /** Over for the model: settled, passed, or of an earlier life. */
  isOver: boolean
}

/** What must hold, by its name in specs/mailbox.tla. */
class Model {
  readonly box: TestMailbox
  readonly messages: Known[] = []
  readonly held: Held[] = []
  sent = 0

  constructor(box: TestMailbox) {
    this.box = box
  }

  get now(): number {
    return this.box.time.nowMs
  }

  async send(priority: number, copies: number): Promise<void> {
    const body = `m${this.sent++}`
    const ids = await Promise.all(
      Array.from({ length: copies }, () => this.box.send(body, { priority, idem_key: body }))
    )
    assert.equal(new Set(ids).size, 1, 'one key, one message')
    this.messages.push({ id: ids[0]!, priority, body, attempts: 0, readyAt: 0, state: 'waits' })
  }

  ready(): Known[] {
    return this.messages
      .filter(({ state, readyAt }) => state === 'waits' && readyAt <= this.now)
      .sort((a, b) => (comesBefore(a, b) ? -1 : 1))
  }

  async take(most: number, visibilityMs: number): Promise<void> {
    const expected = this.ready().slice(0, most)
    const taken = await this.box.take(most, { visibilityMs })
    // FifoWithinPriority, and with it that nothing acknowledged, leased or dead is delivered.
    assert.deepEqual(
      taken.map(one => [bodyOf(one), one.lease.attempt]),
      expected.map(({ body, attempts }) => [body, attempts + 1])
    )
    for (const [n, one] of taken.entries()) {
      const message = expected[n]!
      message.attempts++
      message.state = 'leased'
      const deadline = this.now + visibilityMs
      this.held.push({ taken: one, item: this.box.item(one), message, deadline, isOver: false })
    }
  }

  #pick(n: number): Held | undefined {
    return this.held[n % Math.max(1, this.held.length)]
  }

  #lives({ isOver, deadline }: Held): boolean {
    return !isOver && this.now < deadline
  }

  async ack(n: number): Promise<void> {
    const held = this.#pick(n)
    if (held === undefined) return
    const lives = this.#lives(held)
    const [result] = await this.box.mailbox.ack(TOPIC, [held.item])
    // NoStaleAckAccepted
    assert.equal(result!.status === 0, lives)
    if (!lives) return
    held.isOver = true
    held.message.state = 'acked'
  }

  async nack(n: number, delayMs: number): Promise<void> {
    const held = this.#pick(n)
    if (held === undefined) return
    const lives = this.#lives(held)
    const [result] = await this.box.mailbox.nack(TOPIC, [held.item], { delayMs })
    assert.equal(result!.status === 0, lives)
    if (lives) this.#fail(held, delayMs)
  }

  extend(n: number, visibilityMs: number): void {
    const held = this.#pick(n)
    if (held === undefined) return
    const lives = this.#lives(held)
    const [result] = this.box.mailbox.extend(TOPIC, [held.item], visibilityMs)
    assert.equal(result!.status === 0, lives)
    if (lives) held.deadline = this.now + visibilityMs
  }

  #fail(held: Held, delayMs: number): void {
    held.isOver = true
    const { message } = held
    message.state = message.attempts >= MOST_ATTEMPTS ? 'dead' : 'waits'
    message.readyAt = this.now + delayMs
  }

  async pass(ms: number): Promise<void> {
    await this.box.pass(ms)
    for (const held of this.held) if (!held.isOver && this.now >= held.deadline) this.#fail(held, 0)
  }

  async crash(): Promise<void> {
    await this.box.restart()
    for (const held of this.held) {
      if (held.isOver) continue
      held.isOver = true
      // One that dies with the process on its last attempt is not tried again.
      const { message } = held
      message.state = message.attempts >= MOST_ATTEMPTS ? 'dead' : 'waits'
      message.readyAt = 0
    }
    // It is found out when it would be delivered.
    this.box.mailbox.release(await this.box.take(1000))
    await this.pass(0)
  }

  async redrive(): Promise<void> {
    const dead = this.messages.filter(({ state }) => state === 'dead')
    const { done } = await this.box.mailbox.redrive(TOPIC, { max: 100 })
    assert.equal(done, dead.length)
    for (const message of dead) Object.assign(message, { state: 'waits', attempts: 0, readyAt: 0 })
  }

  /** NoLostAck: whatever was sent and neither acknowledged nor buried is delivered in the end. */
  async settle(): Promise<void> {
    await this.pass(120_000)
    await this.redrive()
    const left = this.ready().map(({ body }) => body)
    assert.equal(left.length, this.messages.filter(({ state }) => state !== 'acked').length)
    assert.deepEqual(await this.box.bodies(1000), left)
  }
}

type Step = (model: Model) => void | Promise<void>

const lease = fc.nat(40)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 3 })).map(
      ([p, n]): Step =>
        m =>
          m.send(p, n)
    )
  },
  {
    weight: 5,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 250, max: 1000 })).map(
      ([most, ms]): Step =>
        m =>
          m.take(most, ms)
    )
  },
  {
    weight: 4,
    arbitrary: lease.map(
      (n): Step =>
        m =>
          m.ack(n)
    )
  },
  {
    weight: 2,
    arbitrary: fc.tuple(lease, fc.constantFrom(0, 150, 700)).map(
      ([n, ms]): Step =>
        m =>
          m.nack(n, ms)
    )
  },
  {
    weight: 1,
    arbitrary: lease.map(
      (n): Step =>
        m =>
          m.extend(n, 500)
    )
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 6 }).map(
      (n): Step =>
        m =>
          m.pass(n * TICK_MS)
    )
  },
  { weight: 1, arbitrary: fc.constant<Step>(m => m.crash()) },
  { weight: 1, arbitrary: fc.constant<Step>(m => m.redrive()) }
)

const GIVEN = { rules: [{ pattern: '**', rule: { ...RULE, maxAttempts: MOST_ATTEMPTS } }] }

async function check(runs: number, open: () => Promise<TestMailbox>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async steps => {
      const box = await open()
      try {
        const model = new Model(box)
        for (const run of steps) await run(model)
        await model.settle()
      } finally {
        await box.close()
      }
    }),
    { numRuns: runs, endOnFailure: false }
  )
}

test('in memory: nothing is lost, nothing stale is accepted, and the order holds, whatever is done', async () => {
  await check(300, async () => openTestMailbox(await openLevel('memory'), GIVEN))
})

test('on disk: nothing is lost, nothing stale is accepted, and the order holds, whatever is done', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mailbox-'))
  t.after(() => rm(folder, { recursive: true }))
  let n = 0

  await check(15, async () => openTestMailbox(await openLevel(join(folder, String(n++))), GIVEN))
})
