import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TOPIC, testMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'
import type { Taken } from './receiving.ts'

const FULL = { code: 'mailbox_full' }
const NO_ROOM = Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' })
const LARGE = Buffer.alloc(900_000)

const depthOf = (depth: number, pattern = 'orders') => ({ rules: [{ pattern, rule: { depth } }] })

test('a send that finds the disk full is told so, and so is each after it; another failure is as it was thrown', async t => {
  const [full, other] = [await testMailbox(t), await testMailbox(t)]
  full.store.commit = () => Promise.reject(NO_ROOM)
  other.store.commit = () => Promise.reject(new Error('the device failed'))

  await assert.rejects(full.send('a'), { code: 'disk_full', status: 503, cause: NO_ROOM })
  await assert.rejects(other.send('a'), /the device failed/)
  for (const [box, failure] of [
    [full, new Error('an earlier write failed', { cause: NO_ROOM })],
    [other, new Error('gone')]
  ] as const)
    Object.defineProperty(box.store, 'failure', { get: () => failure })
  await assert.rejects(full.send('b'), { code: 'disk_full' })
  await assert.rejects(other.send('b'), { code: 'not_ready' })
})

for (const [what, call] of [
  ['an ack', (box, [taken]) => box.ack([taken!])],
  ['a nack', (box, [taken]) => box.nack([taken!])],
  ['a nack with a delay', (box, [taken]) => box.nack([taken!], 1000)],
  ['a receiving', box => box.take(1)],
  ['a deletion', (box, _, waiting) => box.mailbox.delete(TOPIC, waiting)],
  ['a redrive', box => box.mailbox.redrive(TOPIC, { max: 1 })],
  ['a removal of dead letters', box => box.mailbox.purgeDead(TOPIC, { max: 1 })]
] as const satisfies readonly (readonly [
  string,
  (box: TestMailbox, taken: readonly Taken[], waiting: string) => Promise<unknown>
])[])
  test(`${what} that finds the disk full is told so; another failure is as it was thrown`, async t => {
    const box = await testMailbox(t, { rules: [{ pattern: 'orders', rule: { maxAttempts: 2 } }] })
    await box.send('dead')
    for (let attempt = 0; attempt < 2; attempt++) await box.nack(await box.take(1), 0)
    await box.send('taken')
    const taken = await box.take(1)
    const waiting = await box.send('waiting')
    const failWith = (error: Error): void => {
      box.store.commit = () => Promise.reject(error)
      box.store.noteAttempts = () => Promise.reject(error)
    }

    failWith(NO_ROOM)
    await assert.rejects(call(box, taken, waiting), { code: 'disk_full', status: 503, cause: NO_ROOM })
    failWith(new Error('the device failed'))
    await assert.rejects(call(box, taken, waiting), /the device failed/)
  })

test('a send that comes again with its key is answered as the first, also when the topic is full', async t => {
  const box = await testMailbox(t, depthOf(1))
  const id = await box.send('a', { idem_key: 'k' })

  assert.equal(await box.send('a', { idem_key: 'k' }), id)
  await assert.rejects(box.send('b', { idem_key: 'l' }), FULL)
  await assert.rejects(box.send('other', { idem_key: 'k' }), { code: 'idem_conflict' })
})

test('a batch needs room for what is new in it alone', async t => {
  const box = await testMailbox(t, depthOf(3))
  await box.send('a', { idem_key: 'a' })
  const batch = (...keys: string[]) => keys.map(key => ({ ...TOPIC, body: Buffer.from(key), idem_key: key }))

  await assert.rejects(box.mailbox.send(batch('a', 'b', 'c', 'd')), FULL)
  assert.equal((await box.mailbox.stats(TOPIC)).depth, 1)
  const sent = await box.mailbox.send(batch('a', 'b', 'b', 'c'))

  assert.deepEqual(
    sent.map(({ duplicate }) => duplicate),
    [true, false, true, false]
  )
  assert.equal((await box.mailbox.stats(TOPIC)).depth, 3)
})

test('sends at one time do not fill a topic beyond its depth', async t => {
  const box = await testMailbox(t, depthOf(6))

  const taken = await sendAtOnce(box, 60)

  assert.deepEqual([taken, (await box.mailbox.stats(TOPIC)).depth], [6, 6])
})

test('sends at one time do not fill a tenant beyond its bytes', async t => {
  const box = await testMailbox(t, { tenantBytes: 6_000_000 })

  const taken = await sendAtOnce(box, 60)

  assert.equal(taken, 6)
  const { ready } = box.store.tenantCounts(TOPIC.tenant)
  assert.ok(ready.bytes <= 6_000_000, `${ready.bytes} bytes`)
})

test('receipts that are stored at one time do not fill a topic beyond its depth; the others are counted', async t => {
  const box = await testMailbox(t, depthOf(3, 'replies'))
  for (let i = 0; i < 10; i++) await box.send('a', { receipt: ['acked'], reply_topic: 'replies' })
  const taken = await box.take()

  const results = await box.mailbox.ack(
    TOPIC,
    taken.map(one => box.item(one))
  )

  assert.ok(results.every(({ status }) => status === 0))
  assert.equal((await box.mailbox.stats({ ...TOPIC, topic: 'replies' })).depth, 3)
  assert.equal(box.counts.receiptsDropped, 7)
})

/** How many of so many large sends, made in one turn, were taken. */
async function sendAtOnce(box: TestMailbox, sends: number): Promise<number> {
  const all = Array.from({ length: sends }, () => box.mailbox.send([{ ...TOPIC, body: LARGE }]))
  const ends = await Promise.allSettled(all)
  for (const end of ends)
    if (end.status === 'rejected') assert.equal((end.reason as { code: string }).code, 'mailbox_full')
  return ends.filter(({ status }) => status === 'fulfilled').length
}
