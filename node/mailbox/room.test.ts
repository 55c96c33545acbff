import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { TOPIC, testMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'
import type { Taken } from './receiving.ts'

const topicOf = (topic: string, tenant = TOPIC.tenant) => ({ tenant, topic })

/** Ways in which leases end. */
const ENDS: Readonly<Record<string, (box: TestMailbox, taken: readonly Taken[]) => unknown>> = {
  acknowledged: (box, taken) => box.ack(taken),
  'given back': (box, taken) => box.nack(taken, 60_000),
  released: (box, taken) => box.mailbox.release(taken),
  removed: (box, taken) => box.mailbox.written(taken, false),
  'over by time': box => box.pass(30_000)
}

for (const bounds of [{ ofTopic: 2 }, { ofTenant: 2 }, { ofNode: 2 }]) {
  for (const [how, end] of Object.entries(ENDS)) {
    test(`with ${JSON.stringify(bounds)} a waiting receiver is served once a lease is ${how}`, async t => {
      const box = await testMailbox(t, { leaseBounds: bounds })
      const waitsFor = 'ofTopic' in bounds ? TOPIC.topic : 'b'
      for (const body of ['a1', 'a2']) await box.send(body)
      await box.send('next', { topic: waitsFor, priority: 9 * Number(how === 'released') })
      const taken = (await box.take(2)).slice(0, how === 'over by time' ? 2 : 1)
      let got: readonly string[] | undefined
      const waiting = box
        .bodies(1, { topic: topicOf(waitsFor), waitMs: 60_000 })
        .then(bodies => (got = bodies))
      for (let turns = 0; turns < 20; turns++) await turn()
      assert.equal(got, undefined)

      await end(box, taken)

      assert.equal((await waiting).length, 1)
    })
  }
}

test('topics that wait for the room of their tenant are served in turn', async t => {
  const box = await testMailbox(t, { leaseBounds: { ofTenant: 1 } })
  for (let n = 0; n < 3; n++) for (const topic of ['a', 'b', 'c']) await box.send('m', { topic })
  for (const topic of ['c', 'b']) box.mailbox.release(await box.take(1, { topic: topicOf(topic) }))
  const [first] = await box.take(1, { topic: topicOf('a') })
  const served: string[] = []
  const receive = async (topic: string): Promise<void> => {
    for (let n = 0; n < 2; n++) {
      const taken = await box.take(1, { topic: topicOf(topic), waitMs: 60_000 })
      served.push(topic)
      const items = taken.map(one => box.item(one))
      await box.mailbox.ack(topicOf(topic), items)
    }
  }
  const all = ['a', 'b', 'c'].map(receive)
  await turn()

  await box.mailbox.ack(topicOf('a'), [box.item(first!)])
  await Promise.all(all)

  assert.deepEqual(served, ['a', 'b', 'c', 'a', 'b', 'c'])
})

test('any number of topics may be waited for without being read again and again', async t => {
  const box = await testMailbox(t)
  const read = box.store.read.bind(box.store)
  let reads = 0
  box.store.read = (...asked) => {
    reads++
    return read(...asked)
  }
  const leaving = new AbortController()
  const waiting = Array.from({ length: 1100 }, (_, n) =>
    box.take(1, { topic: topicOf(`t${n}`), waitMs: 60_000, signal: leaving.signal })
  )
  while (reads < 1100) await turn()
  for (let turns = 0; turns < 20; turns++) await turn()

  await box.pass(100)
  await box.pass(100)
  for (let turns = 0; turns < 20; turns++) await turn()

  assert.equal(reads, 1100)
  await box.send('a', { topic: 't7' })
  assert.equal((await waiting[7]!).length, 1)
  leaving.abort()
  await Promise.all(waiting)
})
