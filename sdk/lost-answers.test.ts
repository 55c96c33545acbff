import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { OapError } from '../protocols/index.ts'
import { Calls } from './calls.ts'
import { addressOf, hubClient, runningNode } from './hub.fixture.ts'
import { ConflictError, NotFoundError } from './index.ts'

const TOPIC = 'jobs'

/** A client with a message that it may lease; of the call after each `lose()` the answer to the first attempt is lost. */
async function setting(t: TestContext) {
  const node = await runningNode(t)
  const { mailbox } = await hubClient(t, { url: addressOf(node) })
  const unary: Unbound = Object.getOwnPropertyDescriptor(Calls.prototype, 'unary')!.value
  let losing = false
  t.mock.method(Calls.prototype, 'unary', function (this: Calls, ...[options, isRepeatable, make]: Unary) {
    return unary.call(this, options, isRepeatable, async call => {
      const answer = await make(call)
      if (!losing) return answer
      losing = false
      throw new OapError('upstream', 'lost', { reason: 'session_lost' })
    })
  })
  const { msgId } = await mailbox.send(TOPIC, 'hello')
  return { mailbox, msgId, lose: () => void (losing = true) }
}

type Unary = Parameters<Calls['unary']>
type Unbound = (this: Calls, ...args: Unary) => Promise<unknown>

test('an acknowledgement whose answer is lost is done', async t => {
  const { mailbox, lose } = await setting(t)
  const [delivery] = await mailbox.recv(TOPIC)
  lose()

  await delivery!.ack({ deadlineMs: 10_000 })

  assert.equal((await mailbox.stats(TOPIC)).depth, 0)
})

test('a message is given back where the answer to that is lost', async t => {
  const { mailbox, lose } = await setting(t)
  const [delivery] = await mailbox.recv(TOPIC)
  lose()

  await delivery!.nack({ delayMs: 0 })

  const [again] = await mailbox.recv(TOPIC)
  assert.equal(again!.attempt, 2)
  await assert.rejects(delivery!.nack(), error => {
    assert.ok(error instanceof ConflictError && error.code === 'lease_expired')
    return true
  })
})

test('a message is deleted where the answer to that is lost', async t => {
  const { mailbox, msgId, lose } = await setting(t)
  lose()

  await mailbox.delete(TOPIC, msgId)

  await assert.rejects(mailbox.delete(TOPIC, msgId), error => error instanceof NotFoundError)
})
