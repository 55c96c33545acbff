import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Call, EventCredit } from '../../protocols/index.ts'
import { TOPIC, bodyOf, testMailbox } from '../mailbox/mailbox.fixture.ts'
import type { TestMailbox } from '../mailbox/mailbox.fixture.ts'
import { subscription } from './mailbox-subscription.ts'

/** Credit as a session keeps it, for a few events. */
class Credit implements EventCredit {
  #bytes: number
  readonly #outstanding: number[] = []
  #wake: (() => void) | undefined

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  allows(bytes: number, before = 0): boolean {
    const outstanding = this.#outstanding.reduce((sum, one) => sum + one, before)
    return this.#bytes > 0 && (outstanding === 0 || outstanding + bytes <= this.#bytes)
  }

  sent(bytes: number): void {
    this.#outstanding.push(bytes)
  }

  /** The subscriber has dealt with so many more, and takes `bytes`. */
  grant(events: number, bytes: number): void {
    this.#outstanding.splice(0, events)
    this.#bytes = bytes
    this.#wake?.()
  }

  changed(): Promise<void> {
    return new Promise(resolve => (this.#wake = resolve))
  }
}

async function subscribed(t: TestContext, credit?: Credit) {
  const box = await testMailbox(t)
  const ending = new AbortController()
  const call: Pick<Call, 'signal' | 'credit'> = { signal: ending.signal, credit }
  const events = subscription(box.mailbox, call as Call, {
    topic: TOPIC,
    most: 10,
    mostBytes: 1e6,
    visibilityMs: 30_000,
    isExplicit: true,
    failed: error => assert.fail(error as Error)
  })
  t.after(() => ending.abort())
  return { box, events }
}

const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 50; turns++) await turn()
}

/** Every write of attempts, as so many messages. */
function noted(box: TestMailbox): number[] {
  const notes: number[] = []
  const note = box.store.noteAttempts.bind(box.store)
  box.store.noteAttempts = some => {
    notes.push(some.length)
    return note(some)
  }
  return notes
}

test('nothing is leased that the credit does not let leave, and nothing is written for it', async t => {
  const credit = new Credit(2000)
  const { box, events } = await subscribed(t, credit)
  await box.send('small')
  await box.send('x'.repeat(10_000))
  const first = await events.next()
  credit.sent(600)
  const next = events.next()
  await settled()
  const notes = noted(box)

  for (let n = 1; n <= 20; n++) {
    credit.grant(0, 2000 + n)
    await settled()
  }

  assert.deepEqual(notes, [])
  assert.equal(box.mailbox.leases, 1)
  // Another receiver is not held up by it.
  const [other] = await box.take(1)
  assert.equal(other!.lease.attempt, 1)
  box.mailbox.release([other!])
  credit.grant(1, 20_000)
  const { value } = await next
  assert.equal(value!.attempt, 1)
  assert.equal(Buffer.from(value!.body!).length, 10_000)
  assert.equal(Buffer.from((first.value as typeof value)!.body!).toString(), 'small')
})

test('as much is leased at a time as the credit lets leave together', async t => {
  const { box, events } = await subscribed(t, new Credit(2000))
  for (let n = 0; n < 9; n++) await box.send('x'.repeat(100))
  const notes = noted(box)

  await events.next()
  await settled()

  // 512 bytes of header and 100 of body each.
  assert.deepEqual(notes, [3])
  assert.equal((await box.take()).length, 6)
})

test('what comes before and may leave is not held up by what may not', async t => {
  const credit = new Credit(2000)
  const { box, events } = await subscribed(t, credit)
  await box.send('small')
  await events.next()
  credit.sent(600)
  await box.send('x'.repeat(10_000))
  const next = events.next()
  await settled()

  await box.send('urgent', { priority: 9 })

  assert.equal(Buffer.from((await next).value!.body!).toString(), 'urgent')
  assert.deepEqual(
    (await box.take()).map(bodyOf).map(({ length }) => length),
    [10_000]
  )
})

test('a subscription ends by itself when the node drains, and with an error when the mailbox closes', async t => {
  const [draining, closing] = [await subscribed(t), await subscribed(t)]
  const [drained, closed] = [draining.events.next(), closing.events.next()]
  await settled()

  draining.box.mailbox.drain()
  draining.box.mailbox.close()
  closing.box.mailbox.close()

  assert.deepEqual(await drained, { done: true, value: undefined })
  await assert.rejects(closed, { code: 'not_ready' })
  await assert.rejects(closing.box.take(1, { waitMs: 1000 }), { code: 'not_ready' })
})
