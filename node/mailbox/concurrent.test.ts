import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { TOPIC, testMailbox } from './mailbox.fixture.ts'

const MESSAGES = 600
const PRODUCERS = 6
const CONSUMERS = 5
const TURN_MS = 5
const MOST_TURNS = 100_000

test('many at once: each message is acknowledged once, and delivered to nobody after that', async t => {
  const box = await testMailbox(t, { rules: [{ pattern: '**', rule: { maxAttempts: 1000 } }] })
  const acked = new Set<string>()
  const faults: string[] = []
  let isOver = false

  const produce = async (_: unknown, producer: number): Promise<void> => {
    for (let n = 0; n < MESSAGES / PRODUCERS; n++) {
      const not_before = n % 20 === 0 ? box.time.nowMs + 100 : undefined
      await box.send(`${producer} ${n}`, { priority: n % 3 === 0 ? 9 : 4, not_before })
    }
  }
  const consume = async (_: unknown, consumer: number): Promise<void> => {
    for (let n = consumer; !isOver; n++) {
      const taken = await box.take(1 + (n % 17), { visibilityMs: 300, waitMs: 50 })
      for (const { message } of taken) if (acked.has(message.id)) faults.push(`${message.id} after its ack`)
      // One round in ten vanishes, one gives back, one never left, one takes longer.
      if (taken.length === 0 || n % 10 === 1) continue
      if (n % 10 === 3) await box.nack(taken.slice(0, 3), n % 20 === 3 ? 0 : 40)
      if (n % 10 === 5) box.mailbox.release(taken)
      const items = taken.map(one => box.item(one))
      if (n % 10 === 7) box.mailbox.extend(TOPIC, items, 500)
      for (const { msg_id, status } of await box.mailbox.ack(TOPIC, items)) {
        if (status !== 0) continue
        if (acked.has(msg_id)) faults.push(`${msg_id} acknowledged twice`)
        acked.add(msg_id)
      }
    }
  }
  const work = [...Array.from({ length: PRODUCERS }, produce), ...Array.from({ length: CONSUMERS }, consume)]
  for (let turns = 0; acked.size < MESSAGES && turns < MOST_TURNS; turns++) {
    await turn()
    await box.pass(TURN_MS)
  }
  isOver = true
  box.mailbox.drain()
  await Promise.all(work)

  assert.deepEqual(faults, [])
  assert.equal(acked.size, MESSAGES)
  assert.equal((await box.mailbox.stats(TOPIC)).depth, 0)
  assert.equal(box.mailbox.leases, 0)
})
