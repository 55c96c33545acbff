import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import { TOPIC, bodyOf, testMailbox } from './mailbox.fixture.ts'

const DAY_MS = 86_400_000

describe('order', () => {
  test('messages come by priority, then in the order of their sending', async t => {
    const box = await testMailbox(t)
    for (const [body, priority] of [
      ['a', 4],
      ['b', 4],
      ['low', 0],
      ['high', 9]
    ] as const)
      await box.send(body, { priority })

    assert.deepEqual(await box.bodies(), ['high', 'a', 'b', 'low'])
  })

  test('a message that comes back takes its place before later ones', async t => {
    const box = await testMailbox(t)
    await box.send('first')
    const [first] = await box.take(1)
    await box.send('second')
    await box.send('third')
    const [second] = await box.take(1)

    await box.nack([second!], 0)
    await box.nack([first!], 0)

    assert.deepEqual(await box.bodies(), ['first', 'second', 'third'])
  })

  test('what is sent while others are read ahead is not lost, nor given twice', async t => {
    const box = await testMailbox(t)
    const sent = Array.from({ length: 300 }, (_, n) => `m${n}`)
    for (const body of sent.slice(0, 100)) await box.send(body)
    const got: string[] = await box.bodies(10)

    await Promise.all(sent.slice(100).map(body => box.send(body)))
    for (let more = await box.bodies(7); more.length > 0; more = await box.bodies(7)) got.push(...more)

    assert.deepEqual(got, sent)
  })
})

describe('waiting', () => {
  test('a receiver that waits gets what comes, and the first in line gets it first', async t => {
    const box = await testMailbox(t)
    const first = box.bodies(1, { waitMs: 5000 })
    const second = box.bodies(1, { waitMs: 5000 })

    await box.send('a')
    await box.send('b')

    assert.deepEqual([await first, await second], [['a'], ['b']])
  })

  test('receivers that come again stand behind those who wait', async t => {
    const box = await testMailbox(t)
    const served: string[] = []
    const receiver = async (name: string): Promise<void> => {
      for (let n = 0; n < 3; n++) {
        await box.take(1, { waitMs: 5000 })
        served.push(name)
      }
    }
    const all = [receiver('greedy'), receiver('other')]

    for (let n = 0; n < 6; n++) await box.send(`m${n}`)
    await Promise.all(all)

    assert.deepEqual(served, ['greedy', 'other', 'greedy', 'other', 'greedy', 'other'])
  })

  test('a receiver whose time is over gets nothing, and takes nothing from the next', async t => {
    const box = await testMailbox(t)
    const waiting = box.bodies(1, { waitMs: 5000 })
    await box.bodies()

    await box.pass(5000)
    await box.send('a')

    assert.deepEqual(await waiting, [])
    assert.deepEqual(await box.bodies(), ['a'])
  })

  test('a receiver that leaves is out of line', async t => {
    const box = await testMailbox(t)
    const leaving = new AbortController()
    const waiting = box.bodies(1, { waitMs: 5000, signal: leaving.signal })
    leaving.abort()
    await box.send('a')

    assert.deepEqual(await waiting, [])
    assert.deepEqual(await box.bodies(), ['a'])
    assert.equal(box.mailbox.receivers, 0)
  })

  test('a draining mailbox lets nobody wait, and still takes sends and acknowledgements', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const [taken] = await box.take(1)
    const waiting = box.bodies(1, { waitMs: 5000 })

    box.mailbox.drain()

    assert.deepEqual(await waiting, [])
    assert.deepEqual(await box.bodies(1, { waitMs: 5000 }), [])
    assert.deepEqual(await box.ack([taken!]), [0])
    await box.send('b')
  })
})

describe('leases', () => {
  test('a leased message is nobody else’s until it is acknowledged, and then nobody’s at all', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const taken = await box.take()

    assert.deepEqual(await box.bodies(), [])
    assert.deepEqual(await box.ack(taken), [0])
    await box.restart()
    assert.deepEqual(await box.bodies(), [])
  })

  test('a lease that passed is not accepted, and its message comes again with the next attempt', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const [first] = await box.take(1, { visibilityMs: 1000 })
    box.time.move(1000)

    assert.deepEqual(await box.ack([first!]), ['lease_expired'])
    await box.pass(0)
    const [again] = await box.take(1)
    assert.equal(again!.lease.attempt, 2)
    assert.deepEqual(await box.ack([first!]), ['lease_expired'])
    assert.deepEqual(await box.ack([again!]), [0])
    assert.equal(box.counts.redelivered, 1)
  })

  test('from its deadline on a lease is good for nothing', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const [taken] = await box.take(1, { visibilityMs: 1000 })
    box.time.move(1000)
    const items = [box.item(taken!)]

    const results = [
      ...(await box.mailbox.ack(TOPIC, items)),
      ...(await box.mailbox.nack(TOPIC, items, { delayMs: 60_000 })),
      ...box.mailbox.extend(TOPIC, items, 60_000)
    ]

    assert.deepEqual(
      results.map(({ code }) => code),
      ['lease_expired', 'lease_expired', 'lease_expired']
    )
    await box.pass(0)
    assert.deepEqual(await box.bodies(), ['a'])
  })

  test('an extended lease lives on from then', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const [taken] = await box.take(1, { visibilityMs: 1000 })
    await box.pass(900)

    const [result] = box.mailbox.extend(TOPIC, [box.item(taken!)], 1000)
    await box.pass(900)

    assert.equal(result!.deadline, box.time.nowMs + 100)
    assert.deepEqual(await box.ack([taken!]), [0])
  })

  test('a second acknowledgement says that the first was one, for as long as the lease would have lived', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const taken = await box.take(1, { visibilityMs: 1000 })
    await box.ack(taken)

    assert.deepEqual(await box.ack(taken), ['already_acked'])
    await box.pass(1000)
    assert.deepEqual(await box.ack(taken), ['lease_expired'])
  })

  test('the lease of another message, topic or tenant is foreign, and so is one that was made up', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    await box.send('b')
    const [a, b] = await box.take()
    const { msg_id, lease } = box.item(a!)
    const codes = async (topic: typeof TOPIC, items: { msg_id: string; lease: string }[]) =>
      (await box.mailbox.ack(topic, items)).map(({ code }) => code)
    const last = lease.at(-1) === '0' ? '1' : '0'

    assert.deepEqual(
      await codes(TOPIC, [
        { msg_id, lease: box.item(b!).lease },
        { msg_id, lease: lease.slice(0, -1) + last },
        { msg_id, lease: lease.replace(/^1\.1\./, '1.2.') },
        { msg_id, lease: lease.replace(/^1\./, '2.') },
        { msg_id, lease: 'no lease' }
      ]),
      Array(5).fill('lease_foreign')
    )
    assert.deepEqual(await codes({ ...TOPIC, topic: 'other' }, [{ msg_id, lease }]), ['lease_foreign'])
    assert.deepEqual(await codes({ ...TOPIC, tenant: 'rome' }, [{ msg_id, lease }]), ['lease_foreign'])
    assert.deepEqual(await box.ack([a!, b!]), [0, 0])
  })

  test('one lease named twice in a call counts once', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const [taken] = await box.take(1)

    assert.deepEqual(await box.ack([taken!, taken!]), [0, 'lease_expired'])
  })

  test('after a restart everything leased is ready at once, and no lease of before is accepted', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const taken = await box.take(1)

    await box.restart()

    assert.deepEqual(await box.ack(taken), ['lease_expired'])
    const [again] = await box.take(1)
    assert.equal(again!.lease.attempt, 2)
  })

  test('a receiver that vanished before its answer left costs the message no attempt', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    await box.send('b')
    const taken = await box.take(1)

    box.mailbox.release(taken)

    const again = await box.take()
    assert.deepEqual(again.map(bodyOf), ['a', 'b'])
    assert.equal(again[0]!.lease.attempt, 1)
    assert.equal(box.mailbox.leases, 2)
  })

  test('a receiver that leaves while its attempt is being written costs the message none, also over a restart', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    const leaving = new AbortController()
    const note = box.store.noteAttempts.bind(box.store)
    box.store.noteAttempts = notes => {
      leaving.abort()
      return note(notes)
    }

    assert.deepEqual(await box.take(1, { signal: leaving.signal }), [])
    const [again] = await box.take(1)
    assert.equal(again!.lease.attempt, 1)
    box.mailbox.release([again!])
    await box.restart()
    const [third] = await box.take(1)
    assert.equal(third!.lease.attempt, 1)
  })

  test('what was delivered without a lease is removed when it was written, and comes back when it was not', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    await box.send('b')
    const [a] = await box.take(1, { isExplicit: false })
    const [b] = await box.take(1, { isExplicit: false })

    await box.mailbox.written([a!], false)
    box.mailbox.release([b!])

    await box.restart()
    assert.deepEqual(await box.bodies(), ['b'])
  })

  test('beyond as many leases as there may be, receivers wait until one ends', async t => {
    const box = await testMailbox(t, { leaseBounds: { ofTopic: 2 } })
    for (const body of ['a', 'b', 'c']) await box.send(body)
    const taken = await box.take()

    assert.deepEqual(taken.map(bodyOf), ['a', 'b'])
    assert.deepEqual(await box.bodies(), [])
    const waiting = box.bodies(1, { waitMs: 5000 })
    await box.ack(taken)
    assert.deepEqual(await waiting, ['c'])
  })
})

describe('attempts', () => {
  test('given back without a delay, a message waits by its backoff, also over a restart', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    await box.nack(await box.take())

    await box.restart()
    assert.deepEqual(await box.bodies(), [])
    await box.pass(199)
    assert.deepEqual(await box.bodies(), [])
    await box.pass(1)
    assert.deepEqual(await box.bodies(), ['a'])
  })

  test('after its last attempt a message is a dead letter, with what became of each attempt', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule: { maxAttempts: 2 } }] })
    const id = await box.send('a')
    const first = await box.take(1, { visibilityMs: 1000 })
    await box.pass(1000)
    assert.equal(first.length, 1)
    await box.nack(await box.take())

    const { items } = await box.mailbox.deadLetters(TOPIC, { max: 10, maxBytes: 1000 })

    assert.equal(items.length, 1)
    assert.equal(items[0]!.msg_id, id)
    assert.deepEqual(items[0]!.history, [
      { attempt: 1, at: box.time.nowMs, outcome: 'expired' },
      { attempt: 2, at: box.time.nowMs, outcome: 'nacked', reason: 'not now' }
    ])
    assert.deepEqual(await box.bodies(), [])
    assert.equal(box.counts.dead, 1)
  })

  test('attempts count without a lease, too, so that what the node dies of is tried so often and no more', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '*', rule: { maxAttempts: 2 } }] })
    await box.send('poison')
    const attempts: number[] = []
    for (let lives = 0; lives < 4; lives++) {
      for (const { lease } of await box.take(1, { isExplicit: false })) attempts.push(lease.attempt)
      await box.pass(0)
      await box.restart()
    }

    assert.deepEqual(attempts, [1, 2])
    assert.equal((await box.mailbox.stats(TOPIC)).dead, 1)
  })

  test('a message whose last attempt the process did not survive is a dead letter', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '*', rule: { maxAttempts: 2 } }] })
    await box.send('poison')
    await box.send('other')
    for (let lives = 0; lives < 2; lives++) {
      await box.take(1)
      await box.restart()
    }

    assert.deepEqual(await box.bodies(), ['other'])
    await box.pass(0)
    const { items } = await box.mailbox.deadLetters(TOPIC, { max: 10, maxBytes: 1000 })
    assert.equal(items[0]!.attempts, 2)
  })

  test('a redriven message is ready at its own place, with all its attempts', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '*', rule: { maxAttempts: 1 } }] })
    await box.send('a')
    await box.nack(await box.take())
    await box.send('b')
    assert.deepEqual(await box.bodies(0), [])

    assert.deepEqual(await box.mailbox.redrive(TOPIC, { max: 10 }), { done: 1, more: false })

    const taken = await box.take()
    assert.deepEqual(taken.map(bodyOf), ['a', 'b'])
    assert.equal(taken[0]!.lease.attempt, 1)
  })

  test('a redriven message keeps what became of its attempts of before', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '*', rule: { maxAttempts: 1 } }] })
    await box.send('a')
    for (let deaths = 0; deaths < 2; deaths++) {
      if (deaths > 0) await box.mailbox.redrive(TOPIC, { max: 10 })
      box.time.move(1000)
      await box.nack(await box.take(), 0)
    }

    const { items } = await box.mailbox.deadLetters(TOPIC, { max: 10, maxBytes: 1000 })

    const seen = items[0]!.history.map(({ attempt, at }) => [attempt, at - box.time.nowMs])
    assert.deepEqual(seen, [
      [1, -1000],
      [1, 0]
    ])
  })

  test('dead letters are redriven and purged by their ids, or so many a call', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: '*', rule: { maxAttempts: 1 } }] })
    const ids = []
    for (const body of ['a', 'b', 'c', 'd']) ids.push(await box.send(body))
    await box.nack(await box.take())
    const { mailbox } = box

    assert.deepEqual(await mailbox.redrive(TOPIC, { msgIds: [ids[1]!, `7${ids[1]!.slice(1)}`], max: 9 }), {
      done: 1,
      more: false
    })
    assert.deepEqual(await mailbox.purgeDead(TOPIC, { max: 2 }), { done: 2, more: true })
    assert.deepEqual(await mailbox.purgeDead(TOPIC, { max: 2 }), { done: 1, more: false })
    assert.deepEqual(await box.bodies(), ['b'])
  })

  test('with a dead letter topic the message goes there in one step, and says where it was', async t => {
    const rules = [{ pattern: 'orders', rule: { maxAttempts: 1, deadLetterTopic: 'failed' } }]
    const box = await testMailbox(t, { rules })
    const id = await box.send('a', { attrs: { kind: 'x' } })
    await box.nack(await box.take())

    const [moved] = await box.take(1, { topic: { ...TOPIC, topic: 'failed' } })

    assert.equal(bodyOf(moved!), 'a')
    assert.deepEqual(box.mailbox.delivery(moved!, true).attrs, {
      kind: 'x',
      dead_topic: 'orders',
      dead_msg_id: id,
      dead_attempts: '1'
    })
    assert.equal((await box.mailbox.stats(TOPIC)).depth, 0)
  })
})

describe('time', () => {
  test('a delayed message comes at its time and not before, in its place', async t => {
    const box = await testMailbox(t)
    await box.send('later', { not_before: box.time.nowMs + 1000 })
    await box.send('now')
    assert.deepEqual((await box.mailbox.stats(TOPIC)).delayed, 1)
    const waiting = box.bodies(9, { waitMs: 9000 })
    assert.deepEqual(await waiting, ['now'])
    const next = box.bodies(9, { waitMs: 9000 })

    await box.pass(1000)

    assert.deepEqual(await next, ['later'])
  })

  test('a message expires after its time to live, one under lease only when that ends', async t => {
    const box = await testMailbox(t)
    await box.send('gone', { ttl_s: 10 })
    await box.send('worked on', { ttl_s: 10, priority: 9 })
    const taken = await box.take(1, { visibilityMs: 60_000 })
    await box.pass(10_000)

    assert.deepEqual(await box.bodies(), [])
    assert.equal((await box.mailbox.stats(TOPIC)).depth, 1)
    assert.deepEqual(await box.ack(taken), [0])
    assert.equal(box.counts.expired, 1)
  })

  test('without a time to live a message expires by the retention of its topic', async t => {
    const box = await testMailbox(t)
    for (let n = 0; n < 3; n++) await box.send(`m${n}`)
    await box.pass(7 * DAY_MS - 1000)
    await box.send('new')
    await box.pass(1000)

    assert.deepEqual(await box.bodies(), ['new'])
    await box.pass(1000)
    assert.equal((await box.mailbox.stats(TOPIC)).depth, 1)
    assert.equal(box.counts.expired, 3)
  })

  test('dead letters expire by their own retention, and beyond their bytes the oldest go', async t => {
    const rules = [{ pattern: '*', rule: { maxAttempts: 1, deadBytes: 3000 } }]
    const box = await testMailbox(t, { rules })
    for (const body of ['a', 'b', 'c']) await box.send(body.repeat(1000))
    await box.nack(await box.take())
    await box.pass(2000)
    const page = { max: 10, maxBytes: 100_000 }

    const { items } = await box.mailbox.deadLetters(TOPIC, page)
    assert.deepEqual(
      items.map(({ body }) => body![0]),
      [98, 99]
    )
    await box.pass(14 * DAY_MS)
    assert.equal((await box.mailbox.deadLetters(TOPIC, page)).items.length, 0)
  })

  test('a delay is kept when the clock was set back, whether somebody waits or not', async t => {
    const box = await testMailbox(t)
    await box.pass(3_600_000)
    await box.send('ahead')
    await box.ack(await box.take())
    box.time.setBack(3_600_000)
    const waiting = box.bodies(1, { waitMs: 60_000 })

    await box.send('waited for', { not_before: box.time.nowMs + 5000 })
    await box.send('other', { not_before: box.time.nowMs + 5000, topic: 'other' })

    assert.deepEqual(await box.bodies(1, { topic: { ...TOPIC, topic: 'other' } }), [])
    assert.equal((await box.mailbox.stats(TOPIC)).delayed, 1)
    await box.pass(5000)
    assert.deepEqual(await waiting, ['waited for'])
  })

  test('a message that may not be delivered any more is passed over before it is removed', async t => {
    const box = await testMailbox(t)
    await box.send('old', { ttl_s: 1 })
    await box.send('new')
    box.time.move(1000)

    assert.deepEqual(await box.bodies(), ['new'])
  })

  test('a delay of more than the retention is refused', async t => {
    const box = await testMailbox(t)

    await assert.rejects(box.send('a', { not_before: box.time.nowMs + 8 * DAY_MS }), { code: 'bad_request' })
  })
})

describe('sending', () => {
  test('a key names one message within its window, whatever happened to it', async t => {
    const box = await testMailbox(t)
    const id = await box.send('a', { idem_key: 'k' })
    await box.ack(await box.take())
    await box.restart()

    assert.equal(await box.send('a', { idem_key: 'k' }), id)
    await assert.rejects(box.send('b', { idem_key: 'k' }), { code: 'idem_conflict', status: 409 })
    assert.notEqual(await box.send('a', { idem_key: 'k', topic: 'other' }), id)
    assert.deepEqual(await box.bodies(), [])
  })

  test('sends of one key at one time store one message', async t => {
    const box = await testMailbox(t)

    const ids = await Promise.all(Array.from({ length: 20 }, () => box.send('a', { idem_key: 'k' })))

    assert.equal(new Set(ids).size, 1)
    assert.deepEqual(await box.bodies(), ['a'])
  })

  test('of a batch all are stored or none', async t => {
    const box = await testMailbox(t)
    await box.send('a', { idem_key: 'k' })
    const body = Buffer.from('b')

    await assert.rejects(
      box.mailbox.send([
        { ...TOPIC, body },
        { ...TOPIC, body, idem_key: 'k' }
      ]),
      { code: 'idem_conflict' }
    )
    assert.deepEqual(await box.bodies(), ['a'])
  })

  test('a topic as deep as it may be takes no more until something was taken from it', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule: { depth: 2 } }] })
    await box.send('a')
    await box.send('b')

    await assert.rejects(box.send('c'), { code: 'mailbox_full', status: 429, retryAfterMs: 5000 })
    const taken = await box.take()
    await assert.rejects(box.send('c'), { code: 'mailbox_full', retryAfterMs: 1000 })
    await box.send('c', { topic: 'other' })
    await box.ack(taken)
    await box.send('c')
  })

  test('a tenant that holds its bytes is refused, and its neighbour is not', async t => {
    const box = await testMailbox(t, { tenantBytes: 2000 })
    await box.send('a'.repeat(1500))

    await assert.rejects(box.send('b'.repeat(500)), { code: 'mailbox_full' })
    await box.send('b'.repeat(500), { tenant: 'rome' })
  })

  test('a body that is too long, a share that nobody has, and a seal within nothing are refused', async t => {
    const box = await testMailbox(t)

    await assert.rejects(box.send('a'.repeat(983_041)), { code: 'body_oversize' })
    await box.send('a'.repeat(983_040))
    await assert.rejects(box.send('a', { to: { hub: 'h1other', share: 's' } }), { code: 'not_shared' })
    await assert.rejects(box.send('a', { comp: true }), { code: 'bad_request' })
    await assert.rejects(box.send('a', { receipt: ['acked'] }), { code: 'bad_request' })
  })
})

describe('tenants', () => {
  test('never see each other’s topics', async t => {
    const box = await testMailbox(t)
    const id = await box.send('a')
    const rome = { ...TOPIC, tenant: 'rome' }

    assert.deepEqual(await box.bodies(9, { topic: rome }), [])
    assert.equal((await box.mailbox.stats(rome)).depth, 0)
    assert.deepEqual((await box.mailbox.peek(rome, { max: 9, maxBytes: 1000 })).items, [])
    await assert.rejects(box.mailbox.delete(rome, id), { code: 'not_found' })
    assert.deepEqual(await box.bodies(), ['a'])
  })
})

test('of a purged tenant nothing is kept, whatever state it is in', async t => {
  const purged = new Set<string>()
  const box = await testMailbox(t, { purged, rules: [{ pattern: '*', rule: { maxAttempts: 1 } }] })
  const rome = { tenant: 'rome' }
  await box.send('dead', rome)
  const [taken] = await box.take(1, { topic: { ...TOPIC, ...rome } })
  await box.mailbox.nack({ ...TOPIC, ...rome }, [box.item(taken!)])
  await box.send('ready', rome)
  await box.send('delayed', { ...rome, not_before: box.time.nowMs + 1000 })
  await box.send('other')

  purged.add('rome')
  await box.pass(2000)

  const { ready, delayed, dead } = box.store.tenantCounts('rome')
  assert.deepEqual([ready.messages, delayed.messages, dead.messages], [0, 0, 0])
  assert.deepEqual(await box.bodies(), ['other'])
})

describe('looking', () => {
  test('peek shows what is ready, a page at a time, and leases nothing', async t => {
    const box = await testMailbox(t)
    for (const body of ['a', 'b', 'c']) await box.send(body)
    await box.take(1)

    const page = { max: 2, maxBytes: 1000 }
    const first = await box.mailbox.peek(TOPIC, page)
    const second = await box.mailbox.peek(TOPIC, { ...page, after: first.next })

    const shown = [...first.items, ...second.items].map(({ body }) => Buffer.from(body!).toString())
    assert.deepEqual(shown, ['b', 'c'])
    assert.deepEqual(await box.bodies(), ['b', 'c'])
    await assert.rejects(box.mailbox.peek(TOPIC, { ...page, after: 'x' }), { code: 'bad_request' })
  })

  test('stats say what there is', async t => {
    const box = await testMailbox(t)
    await box.send('a')
    await box.pass(5000)
    await box.send('b', { priority: 9 })
    await box.send('c', { not_before: box.time.nowMs + 1000 })
    await box.take(1)

    const { bytes, ...stats } = await box.mailbox.stats(TOPIC)

    assert.ok(bytes > 3)
    assert.deepEqual(stats, {
      topic: 'orders',
      depth: 3,
      in_flight: 1,
      delayed: 1,
      oldest_ms: 5000,
      dead: 0,
      dead_bytes: 0
    })
  })

  test('pages of a topic that is received from show what waits, once each, and begin behind what was taken away', async t => {
    const box = await testMailbox(t)
    const expected: string[] = []
    for (let n = 0; n < 700; n++) {
      await box.send(`m${n}`, { priority: n < 600 ? 6 : 3 })
      expected.push(`m${n}`)
    }
    await box.ack(await box.take(100))
    const [back] = await box.take(50)
    await box.nack([back!], 0)
    const read = box.store.read.bind(box.store)
    const starts: unknown[] = []
    box.store.read = (topic, reading) => {
      starts.push(reading.after)
      return read(topic, reading)
    }

    const pages = async (asked: { max: number; maxBytes: number }): Promise<string[]> => {
      const shown: string[] = []
      for (let after: string | undefined; ;) {
        const { items, next } = await box.mailbox.peek(TOPIC, { ...asked, ...(after && { after }) })
        shown.push(...items.map(({ body }) => Buffer.from(body!).toString()))
        if (next === undefined) return shown
        after = next
      }
    }

    const bounds = [
      { max: 256, maxBytes: 1_048_576 },
      { max: 7, maxBytes: 1_048_576 },
      { max: 100, maxBytes: 1000 },
      { max: 1, maxBytes: 1 }
    ]
    // Nothing is read ahead behind what came back, and then a part is.
    for (const asked of bounds) assert.deepEqual(await pages(asked), ['m100', ...expected.slice(150)])
    assert.equal((await box.take(2)).length, 2)
    for (const asked of bounds) assert.deepEqual(await pages(asked), expected.slice(151))
    assert.ok(
      starts.length > 0 && starts.every(after => after !== undefined),
      'a page was read from the beginning'
    )
  })

  test('stats of a topic that is received from find its oldest without going through what was taken away', async t => {
    const box = await testMailbox(t)
    const read = box.store.read.bind(box.store)
    let reads = 0
    box.store.read = (topic, reading) => {
      // A queue reads more at a time.
      if (reading.limit === 1) reads++
      return read(topic, reading)
    }
    const oldest = async (): Promise<number | undefined> => (await box.mailbox.stats(TOPIC)).oldest_ms
    for (const [n, priority] of [4, 9, 4, 0, 4, 9].entries()) {
      await box.send(`m${n}`, { priority })
      await box.pass(1000)
    }

    // In the order of delivery: m1, m5, m0, m2, m4, m3.
    const seen: (number | undefined)[] = [await oldest()]
    const [m1, m5, m0] = await box.take(3)
    seen.push(await oldest())
    await box.ack([m0!])
    reads = 0
    seen.push(await oldest())
    await box.ack([m1!])
    seen.push(await oldest())
    await box.nack([m5!], 0)
    await box.ack(await box.take(3))
    seen.push(await oldest())
    const readsOfKnown = reads
    await box.ack(await box.take(1))

    assert.deepEqual(seen, [6000, 6000, 5000, 4000, 3000])
    assert.equal(await oldest(), undefined)
    assert.equal(readsOfKnown, 0)
  })

  test('a waiting message can be deleted, one under lease cannot', async t => {
    const box = await testMailbox(t)
    const a = await box.send('a')
    await box.send('b')
    await box.bodies(0)
    const later = await box.send('c', { not_before: box.time.nowMs + 1000 })
    const [taken] = await box.take(1)

    await assert.rejects(box.mailbox.delete(TOPIC, a), { code: 'message_leased', status: 409 })
    await box.mailbox.delete(TOPIC, later)
    box.mailbox.release([taken!])
    await box.mailbox.delete(TOPIC, a)
    await assert.rejects(box.mailbox.delete(TOPIC, a), { code: 'not_found' })
    await box.pass(1000)
    assert.deepEqual(await box.bodies(), ['b'])
  })
})

describe('receipts', () => {
  const REPLY = { ...TOPIC, topic: 'replies' }

  test('tell a sender that its message was stored, delivered and acknowledged', async t => {
    const box = await testMailbox(t)
    const id = await box.send('a', { receipt: ['stored', 'delivered', 'acked'], reply_topic: 'replies' })
    const taken = await box.take()
    await box.mailbox.written(taken, true)
    await box.ack(taken)

    const receipts = await box.take(9, { topic: REPLY })

    const statements = receipts.map(
      one => (JSON.parse(bodyOf(one)) as { statement: { state: string; msg_id: string } }).statement
    )
    assert.deepEqual(
      statements.map(({ state }) => state),
      ['stored', 'delivered', 'acked']
    )
    assert.ok(statements.every(({ msg_id }) => msg_id === id))
    assert.deepEqual(box.mailbox.delivery(receipts[0]!, true).attrs, { type: 'receipt' })
    assert.equal(box.mailbox.delivery(receipts[0]!, true).auto, true)
  })

  test('a message that expires or dies bounces, once, and only when that was asked for', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule: { maxAttempts: 1 } }] })
    const asks = { bounce: true, reply_topic: 'replies' }
    await box.send('dies', asks)
    await box.nack(await box.take())
    await box.send('expires', { ...asks, ttl_s: 1 })
    await box.send('silent', { ttl_s: 1 })
    await box.pass(1000)

    const bounces = await box.take(9, { topic: REPLY })

    const states = bounces.map(
      one => (JSON.parse(bodyOf(one)) as { statement: { state: string } }).statement.state
    )
    assert.deepEqual(states, ['dead', 'expired'])
    assert.deepEqual(box.mailbox.delivery(bounces[0]!, true).attrs, { type: 'bounce' })
  })

  test('that cannot be stored are counted, and what they state stands', async t => {
    const box = await testMailbox(t)
    const commit = box.store.commit.bind(box.store)
    box.store.commit = changes =>
      changes.some(change => change.do === 'append' && change.message.topic === 'replies')
        ? Promise.reject(new OapError('saturated'))
        : commit(changes)

    const id = await box.send('a', { receipt: ['stored', 'delivered'], reply_topic: 'replies' })
    const taken = await box.take(1, { isExplicit: false })
    await box.mailbox.written(taken, false)

    assert.equal(taken[0]!.message.id, id)
    assert.equal(box.counts.receiptsDropped, 2)
    assert.equal((await box.mailbox.stats(TOPIC)).depth, 0)
  })

  test('what has no room is dropped and counted, and the acknowledgement stands', async t => {
    const box = await testMailbox(t, { rules: [{ pattern: 'replies', rule: { depth: 1 } }] })
    await box.send('full', { topic: 'replies' })
    await box.send('a', { receipt: ['acked'], reply_topic: 'replies' })

    assert.deepEqual(await box.ack(await box.take()), [0])
    assert.equal(box.counts.receiptsDropped, 1)
  })
})
