import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { TOPIC, bodyOf, testMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'
import type { TopicRule } from './topic-rules.ts'

const REPLIES = { ...TOPIC, topic: 'replies' }
const long = (letter: string): string => letter.repeat(1000)

/** A topic with more than its bytes: the oldest, `a`, of priority 9, then `b` and `c` of priority 0. */
async function overfull(t: TestContext, more: Partial<TopicRule> = {}): Promise<TestMailbox> {
  const rule = { retentionBytes: 1500, ...more }
  const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule }] })
  for (const [letter, priority] of [
    ['a', 9],
    ['b', 0],
    ['c', 0]
  ] as const)
    await box.send(long(letter), { priority, reply_topic: 'replies', bounce: true })
  return box
}

/** Does something once `a` was read for the sweep, while the page of the other priority is still being read. */
function whileItReads(t: TestContext, { store }: TestMailbox, run: () => Promise<void>): void {
  const read = store.read.bind(store)
  let hasRun = false
  t.mock.method(store, 'read', async (...[topic, reading]: Parameters<typeof read>) => {
    const found = await read(topic, reading)
    // A look at one message is that for what is too old.
    if (topic.topic === TOPIC.topic && reading.priority === 0 && reading.limit > 1 && !hasRun) {
      hasRun = true
      await run()
    }
    return found
  })
}

const left = async (box: TestMailbox): Promise<string[]> => (await box.bodies()).map(body => body[0]!)
const bounces = ({ store }: TestMailbox): number => store.counts(REPLIES).ready.messages

test('a message that is acknowledged while the sweep reads does not expire, and its sender is told nothing', async t => {
  const box = await overfull(t)
  let acked = ''
  whileItReads(t, box, async () => {
    const taken = await box.take(1)
    assert.deepEqual(await box.ack(taken), [0])
    acked = bodyOf(taken[0]!)
  })

  await box.pass(1000)

  assert.equal(acked, long('a'))
  assert.deepEqual(await left(box), ['c'])
  assert.deepEqual([bounces(box), box.counts.expired], [1, 1])
})

test('a message that is given back for later while the sweep reads comes later', async t => {
  const box = await overfull(t)
  whileItReads(t, box, async () => await box.nack(await box.take(1), 5000))

  await box.pass(1000)

  assert.deepEqual([bounces(box), box.counts.expired], [1, 1])
  const [kept] = await box.take(1)
  assert.equal(bodyOf(kept!), long('c'))
  await box.ack([kept!])
  await box.pass(5000)
  assert.deepEqual(await left(box), ['a'])
})

test('a message that became another while the sweep reads stays, and is still received', async t => {
  const box = await overfull(t, { maxAttempts: 1 })
  whileItReads(t, box, async () => {
    await box.nack(await box.take(1), 0)
    assert.deepEqual(await box.mailbox.redrive(TOPIC, { max: 1 }), { done: 1, more: false })
    box.mailbox.release(await box.take(9))
  })

  await box.pass(1000)

  assert.deepEqual(await left(box), ['a'])
  assert.equal(box.counts.expired, 2)
})

test('a sweep that finds nothing left of what it read goes on', async t => {
  const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule: { retentionMs: 10_000 } }] })
  await box.send('a', { reply_topic: 'replies', bounce: true })
  box.time.move(9500)
  const read = box.store.read.bind(box.store)
  let hasRun = false
  t.mock.method(box.store, 'read', async (...asked: Parameters<typeof read>) => {
    const found = await read(...asked)
    if (asked[1].priority === 4 && !hasRun) {
      hasRun = true
      box.time.setBack(1000)
      const taken = await box.take(1)
      assert.deepEqual(await box.ack(taken), [0])
      box.time.setBack(-1000)
    }
    return found
  })

  await box.pass(500)

  assert.equal(hasRun, true)
  assert.deepEqual([bounces(box), box.counts.expired, box.store.counts(TOPIC).ready.messages], [0, 0, 0])
})
