import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OapError } from '../../protocols/index.ts'
import type { Change } from '../stores/mailbox/types.ts'
import { RULE, TOPIC, bodyOf, testMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'

const OTHER = { tenant: 'rome', topic: 'b' }
const LARGE = 900_000
const MIB = 1024 * 1024
const FAILED = { tenant: 'paris', topic: 'failed' }
const ALL = { max: 1000, maxBytes: 1e9 }

/** What a commit adds to the log, about. */
const bytesOf = (changes: readonly Change[]): number =>
  changes.reduce((sum, change) => sum + (change.do === 'append' ? change.message.body.length : 0), 0)

/** Sends so many messages, large ones a few at a time. */
async function fill(box: TestMailbox, count: number, bytes: number, more = {}): Promise<void> {
  for (let n = 0; n < count; n++)
    await box.mailbox.send([{ ...TOPIC, body: Buffer.alloc(bytes, n), ...more }])
}

async function takeAll(box: TestMailbox, count: number, more = {}) {
  const taken = []
  while (taken.length < count) taken.push(...(await box.take(100, more)))
  return taken
}

describe('what is due', () => {
  test('is dealt with behind any number of expired messages that are leased, and those when their lease ends', async t => {
    const box = await testMailbox(t)
    for (let n = 0; n < 300; n++) await box.send('held', { ...OTHER, ttl_s: 1 })
    const held = await takeAll(box, 300, { topic: OTHER, visibilityMs: 300_000 })
    await box.send('delayed', { not_before: box.time.nowMs + 2000 })
    await box.send('short', { ttl_s: 2, topic: 'short' })

    await box.pass(2000)

    assert.deepEqual(await box.bodies(), ['delayed'])
    assert.equal((await box.mailbox.stats({ ...TOPIC, topic: 'short' })).depth, 0)
    box.mailbox.release(held.slice(0, 100))
    await box.pass(100)
    assert.equal((await box.mailbox.stats(OTHER)).depth, 200)
    await box.mailbox.nack(
      OTHER,
      held.slice(100, 200).map(one => box.item(one)),
      { delayMs: 0 }
    )
    assert.equal((await box.mailbox.stats(OTHER)).depth, 100)
    await box.pass(300_000)
    assert.equal((await box.mailbox.stats(OTHER)).depth, 0)
    assert.equal(box.counts.expired, 301)
  })

  test('does not keep a lease of another topic from passing', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '**', rule: { depth: 1e6 } }] })
    const body = Buffer.from('a')
    const not_before = box.time.nowMs + 1000
    for (let n = 0; n < 3; n++)
      await box.mailbox.send(Array.from({ length: 1000 }, () => ({ ...TOPIC, body, not_before })))
    await box.send('b', OTHER)
    await box.take(1, { topic: OTHER, visibilityMs: 1500 })
    box.time.move(1200)
    const due = box.store.due.bind(box.store)
    let promoted = 0
    box.store.due = (...asked) => {
      box.time.move(100)
      return due(...asked)
    }
    const waiting = box.take(1, { topic: OTHER, waitMs: 60_000 }).then(() => {
      promoted = 3000 - box.store.counts(TOPIC).delayed.messages
    })

    await box.mailbox.tick(box.time.nowMs)
    await waiting

    assert.equal(box.store.counts(TOPIC).delayed.messages, 0)
    assert.ok(promoted < 2500, `${promoted} were dealt with before`)
  })
})

describe('large messages', () => {
  const rules = (rule: object) => ({ tenantBytes: 1e9, rules: [{ pattern: 'orders', rule }] })

  /** Notes the largest commit, and how much is read at a time. */
  function watched(box: TestMailbox) {
    const seen = { commit: 0, reading: 0 }
    const [commit, find] = [box.store.commit.bind(box.store), box.store.find.bind(box.store)]
    box.store.commit = changes => {
      seen.commit = Math.max(seen.commit, bytesOf(changes), (changes.length - 1) * LARGE)
      return commit(changes)
    }
    let reading = 0
    box.store.find = async (...asked) => {
      reading += LARGE
      seen.reading = Math.max(seen.reading, reading)
      try {
        return await find(...asked)
      } finally {
        reading -= LARGE
      }
    }
    return seen
  }

  test('go to a dead letter topic, all that fail at once', async t => {
    const box = await testMailbox(t, rules({ maxAttempts: 1, deadLetterTopic: FAILED.topic }))
    await fill(box, 20, LARGE)
    await takeAll(box, 20)

    await box.pass(30_000)

    assert.equal(box.store.counts(FAILED).ready.messages, 20)
    assert.equal((await box.mailbox.stats(TOPIC)).depth, 0)
  })

  for (const [what, act] of [
    ['given back with a delay', async (box, taken) => await box.nack(taken, 1000)],
    ['whose leases pass', async box => await box.pass(30_000)],
    [
      'acknowledged with receipts',
      async (box, taken) => assert.deepEqual(new Set(await box.ack(taken)), new Set([0]))
    ]
  ] satisfies [string, (box: TestMailbox, taken: Parameters<TestMailbox['nack']>[0]) => Promise<unknown>][]) {
    test(`that are ${what} are read a few MiB at a time`, async t => {
      const box = await testMailbox(t, rules({}))
      await fill(box, 20, LARGE, { receipt: ['acked'], reply_topic: 'replies' })
      const taken = await takeAll(box, 20)
      const seen = watched(box)

      await act(box, taken)

      assert.ok(seen.reading > 0)
      assert.ok(seen.reading <= 5 * MIB, `${seen.reading} bytes were read at a time`)
      assert.equal(box.mailbox.leases, 0)
    })
  }

  test('that are due or redriven are moved a few MiB at a time', async t => {
    const box = await testMailbox(t, rules({ maxAttempts: 1, deadBytes: 1e9 }))
    await fill(box, 20, LARGE, { not_before: box.time.nowMs + 1000 })
    const seen = watched(box)

    await box.pass(1000)
    const promoted = seen.commit
    await box.nack(await takeAll(box, 20))
    const { items } = await box.mailbox.deadLetters(TOPIC, ALL)
    const { done } = await box.mailbox.redrive(TOPIC, { msgIds: items.map(({ msg_id }) => msg_id), max: 99 })

    assert.equal(done, 20)
    assert.equal((await takeAll(box, 20)).length, 20)
    assert.ok(promoted <= 4 * MIB && seen.commit <= 4 * MIB, `${seen.commit} bytes in one commit`)
  })
})

describe('retention', () => {
  test('takes what is old behind what has a time of its own, or is leased', async t => {
    const rule = { retentionMs: 10_000, depth: 5 }
    const box = await testMailbox(t, { rules: [{ pattern: '**', rule }] })
    await box.send('own time', { not_before: box.time.nowMs + 9000 })
    await box.send('leased')
    const [leased] = await box.take(1, { visibilityMs: 60_000 })
    for (let n = 0; n < 3; n++) await box.send('old', { reply_topic: 'replies', bounce: true })

    await box.pass(9000)
    await box.send('young', { topic: 'other' })
    await box.pass(1000)

    assert.deepEqual(await box.bodies(), ['own time'])
    assert.equal((await box.mailbox.stats(TOPIC)).depth, 2)
    assert.equal(box.store.counts({ ...TOPIC, topic: 'replies' }).ready.messages, 3)
    assert.deepEqual(await box.ack([leased!]), [0])
    assert.deepEqual(await box.bodies(9, { topic: { ...TOPIC, topic: 'other' } }), ['young'])
  })

  test('beyond the bytes of its topic the oldest expire, whatever their priority, and those under lease stay', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule: { retentionBytes: 4000 } }] })
    const told = { reply_topic: 'replies', bounce: true }
    const long = (letter: string): string => letter.repeat(1000)
    await box.send(long('l'))
    const [leased] = await box.take(1, { visibilityMs: 60_000 })
    const bodies = ['b', 'c', 'd', 'e', 'f']
    for (const [n, letter] of bodies.entries())
      await box.send(long(letter), { priority: n % 2 === 0 ? 9 : 0, ...told })
    await box.send(long('z'), { topic: 'replies' })
    await box.send(long('later'), { not_before: box.time.nowMs + 60_000 })

    await box.pass(1000)

    const { ready, delayed } = box.store.counts(TOPIC)
    assert.ok(ready.bytes <= 4000, `${ready.bytes} bytes`)
    assert.deepEqual([ready.messages, delayed.messages, box.counts.expired], [3, 1, 3])
    assert.deepEqual(await box.ack([leased!]), [0])
    assert.deepEqual(
      (await box.bodies()).map(body => body[0]),
      ['f', 'e']
    )
    assert.equal(box.store.counts({ ...TOPIC, topic: 'replies' }).ready.messages, 1 + 3)
  })

  test('goes round a thousand topics in seconds, a little at a time', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '**', rule: { retentionMs: 10_000 } }] })
    for (let n = 0; n < 1000; n++) await box.send('a', { topic: `t${n}` })
    const read = box.store.read.bind(box.store)
    let [reads, most] = [0, 0]
    box.store.read = (...asked) => {
      reads++
      return read(...asked)
    }
    box.time.move(10_000)

    for (let ticks = 0; ticks < 50; ticks++) {
      reads = 0
      await box.pass(100)
      most = Math.max(most, reads)
    }

    assert.equal(box.counts.expired, 1000)
    assert.ok(most <= 200, `${most} reads in one tick`)
  })

  test('a clock that is set back holds up neither leases nor the round', async t => {
    const box = await testMailbox(t, {
      rules: [{ pattern: '**', rule: { ...RULE, deadBytes: 0, maxAttempts: 1 } }]
    })
    await box.pass(10_000)
    await box.send('a')
    const [taken] = await box.take(1, { visibilityMs: 1000 })
    const shown = box.mailbox.delivery(taken!, true).deadline! - box.time.nowMs
    box.time.setBack(3_600_000)

    const shownLater = box.mailbox.delivery(taken!, true).deadline! - box.time.nowMs
    await box.pass(1000)
    const late = await box.ack([taken!])
    await box.pass(1000)

    assert.deepEqual([shown, shownLater], [1000, 1000])
    assert.deepEqual(late, ['lease_expired'])
    // It died of its passing, and dead letters may take no bytes.
    assert.deepEqual(box.counts, { redelivered: 0, dead: 1, expired: 1, receiptsDropped: 0 })
  })
})

describe('a commit that is refused', () => {
  test('of one topic hinders no other, and is made again with the next tick', async t => {
    const rule = { retentionMs: 2000, maxAttempts: 1 }
    const box = await testMailbox(t, { rules: [{ pattern: '**', rule }] })
    for (const topic of ['bad', 'good']) {
      await box.send('passes', { topic })
      await box.take(1, { topic: { ...TOPIC, topic }, visibilityMs: 1000 })
      await box.send('old', { topic })
      await box.send('due', { topic, not_before: box.time.nowMs + 1000, ttl_s: 1 })
    }
    const commit = box.store.commit.bind(box.store)
    box.store.commit = changes =>
      changes.some(change => 'place' in change && change.place.topic === 'bad')
        ? Promise.reject(new OapError('saturated'))
        : commit(changes)
    const states = (topic: string) => {
      const { ready, delayed, dead } = box.store.counts({ ...TOPIC, topic })
      return [ready, delayed, dead].map(({ messages }) => messages)
    }

    await assert.rejects(box.pass(1000), { code: 'saturated' })
    await assert.rejects(box.pass(1000), { code: 'saturated' })
    const [good, bad] = [states('good'), states('bad')]
    box.store.commit = commit
    for (let n = 0; n < 20; n++) await box.pass(100)

    assert.deepEqual(good, [0, 0, 1])
    assert.deepEqual(bad, [2, 1, 0])
    // Its last attempt was over only after its time.
    assert.deepEqual(states('bad'), [0, 0, 0])
    assert.equal(box.mailbox.leases, 0)
  })

  test('while a message is deleted leaves it where it was, also for who reads meanwhile', async t => {
    const box = await testMailbox(t)
    const id = await box.send('a')
    await box.send('b')
    box.mailbox.release(await box.take())
    const refused = Promise.withResolvers<never>()
    const commit = box.store.commit.bind(box.store)
    box.store.commit = () => refused.promise

    const deleted = box.mailbox.delete(TOPIC, id)
    await turn()
    const [meanwhile] = await box.take(1)
    refused.reject(new OapError('saturated'))
    await assert.rejects(deleted, { code: 'saturated' })
    box.store.commit = commit

    assert.equal(bodyOf(meanwhile!), 'b')
    assert.deepEqual(await box.bodies(), ['a'])
  })
})

describe('a tenant that is purged', () => {
  test('has nothing left to deliver, of what was read ahead either', async t => {
    const purged = new Set<string>()
    const box = await testMailbox(t, { purged })
    for (let n = 0; n < 600; n++) await box.send('a', OTHER)
    box.mailbox.release(await box.take(1, { topic: OTHER }))
    const [leased] = await box.take(1, { topic: OTHER, visibilityMs: 2000 })

    purged.add(OTHER.tenant)
    await box.pass(1000)

    assert.deepEqual(await box.bodies(9, { topic: OTHER }), [])
    await box.pass(1000)
    assert.deepEqual(await box.bodies(9, { topic: OTHER }), [])
    assert.equal(box.mailbox.leases, 0)
    assert.equal(leased!.lease.attempt, 1)
  })

  test('holds up nothing else, however long it takes', async t => {
    const purged = new Set<string>([OTHER.tenant])
    const box = await testMailbox(t, { purged })
    await box.send('a', OTHER)
    await box.send('b')
    await box.take(1, { visibilityMs: 1050 })
    const slow = Promise.withResolvers<number>()
    box.store.purge = () => slow.promise

    for (let ticks = 0; ticks < 2; ticks++) {
      const ticking = box.pass(1000)
      for (let turns = 0; turns < 20; turns++) await turn()
      // How long a tick waits.
      box.time.move(50)
      await ticking
    }

    assert.deepEqual(await box.bodies(), ['b'])
    box.mailbox.close()
    slow.resolve(1)
  })
})
