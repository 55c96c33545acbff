import assert from 'node:assert/strict'
import test from 'node:test'
import { TOPIC, testMailbox } from './mailbox.fixture.ts'
import { OldestReady } from './oldest-ready.ts'

test('messages come by age, page by page, however they are spread over the priorities', async t => {
  const box = await testMailbox(t)
  const sent: string[] = []
  for (let n = 0; n < 60; n++) {
    // Runs of one priority, longer than a page and shorter.
    const body = `m${n}`
    await box.send(body, { priority: n < 20 ? 3 : n % 7 })
    sent.push(body)
  }
  const oldest = new OldestReady(box.store, TOPIC)

  const found: string[] = []
  for (let page = await oldest.next(8); page.messages.length > 0; page = await oldest.next(8)) {
    assert.ok(page.messages.length <= 8)
    found.push(...page.messages.map(({ body }) => Buffer.from(body).toString()))
  }

  assert.deepEqual(found, sent)
})

test('a large message of one priority keeps back no older one of another', async t => {
  const box = await testMailbox(t)
  const large = 'x'.repeat(300_000)
  for (let n = 0; n < 4; n++) {
    await box.send(large, { priority: 9 })
    await box.send('small', { priority: 0 })
  }
  const oldest = new OldestReady(box.store, TOPIC)

  const found: number[] = []
  for (let page = await oldest.next(100); page.messages.length > 0; page = await oldest.next(100))
    found.push(...page.messages.map(({ body }) => body.length))

  assert.deepEqual(found, [300_000, 5, 300_000, 5, 300_000, 5, 300_000, 5])
})
