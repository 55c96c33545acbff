import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RULE, TOPIC } from './mailbox.fixture.ts'
import { Statements } from './statements.ts'
import { TopicRules } from './topic-rules.ts'

const count = { messages: 0, bytes: 0 }
const none = { ready: count, delayed: count, dead: count }
const statements = new Statements({
  store: {
    counts: topic => ({ ...topic, ...none, byPriority: [] }),
    tenantCounts: () => none
  },
  rules: new TopicRules([], RULE),
  tenantBytes: 10_000,
  signer: { hub: 'h1', delegation: '{}', sign: () => new Uint8Array(64) },
  dropped: () => assert.fail('there was room')
})
const place = { ...TOPIC, priority: 4, id: '0'.repeat(26) }
const asked = { receipt: ['acked' as const], bounce: true, replyTopic: 'replies', bodyHash: '00' }

test('a state that was asked for is told to the reply topic of the same tenant', () => {
  const [change] = statements.about(place, asked, 'acked', 5)

  assert.equal(change?.message.topic, 'replies')
  assert.equal(change.message.tenant, TOPIC.tenant)
  assert.equal(statements.about(place, asked, 'dead', 5).length, 1)
})

test('a state that was not asked for is not told', () => {
  assert.deepEqual(statements.about(place, asked, 'delivered', 5), [])
  assert.deepEqual(statements.about(place, { ...asked, bounce: false }, 'expired', 5), [])
})

test('a receipt or bounce never causes another', () => {
  assert.deepEqual(statements.about(place, { ...asked, auto: true }, 'acked', 5), [])
  assert.deepEqual(statements.about(place, { ...asked, auto: true }, 'dead', 5), [])
})
