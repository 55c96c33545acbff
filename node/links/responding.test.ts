import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { HANDSHAKE, initiate } from '../../federation/index.ts'
import type { Moment, Outcome } from '../../federation/index.ts'
import type { ConnectionState, OapError } from '../../protocols/index.ts'
import { barePeer } from './bare-peer.fixture.ts'
import { newNonce } from './party.ts'
import { Responding } from './responding.ts'

const START: Moment = { ms: 1_000_000, s: 1_795_000_000 }

/** A responder whose time stands still until the test moves it, and two nodes to shake hands with it. */
async function responder(
  t: TestContext,
  recorded: (outcome: Outcome) => Promise<void> = () => Promise.resolve()
) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { party } = await barePeer(t)
  const initiator = (await barePeer(t)).party
  const outcomes: Outcome[] = []
  let now = START
  const responding = new Responding({
    party,
    now: () => now,
    nonce: newNonce,
    established: () => assert.fail('nobody proved anything'),
    ended: outcome => {
      outcomes.push(outcome)
      return recorded(outcome)
    }
  })
  t.after(() => responding.stop())
  const connection = () => ({ peer: initiator.peerId }) as ConnectionState
  const hello = (state: ConnectionState = connection()): Promise<Uint8Array> => {
    const step = initiate(initiator, { peer: party.peerId, nonce: newNonce(), hub: 'h1' }, now)
    return responding.hello(state, step.send!.body)
  }
  const pass = (ms: number): void => {
    now = { ...now, ms: now.ms + ms }
    t.mock.timers.tick(ms)
  }
  return { responding, hello, connection, pass, outcomes }
}

const refusal = (call: Promise<unknown>): Promise<readonly unknown[]> =>
  call.then(
    () => ['none'],
    (error: unknown) => [(error as OapError).status, (error as OapError).code]
  )

test('a proof that does not come in time is a refusal, and what was kept of it is gone', async t => {
  const { responding, hello, pass, outcomes } = await responder(t)
  await hello()
  assert.equal(responding.open, 1)

  pass(HANDSHAKE.stepMs - 1)
  assert.equal(responding.open, 1)
  pass(2)

  assert.equal(responding.open, 0)
  assert.deepEqual(
    outcomes.map(outcome => 'code' in outcome && outcome.code),
    ['stalled']
  )
})

test('of more than may be under way the one that has waited longest gives way, so that nobody keeps others out', async t => {
  const { responding, hello, connection, pass, outcomes } = await responder(t)
  const first = connection()
  await hello(first)
  pass(1)
  for (let n = 1; n < HANDSHAKE.open; n++) await hello()
  assert.equal(outcomes.length, 0)

  await hello()

  assert.equal(responding.open, HANDSHAKE.open)
  assert.deepEqual(
    outcomes.map(outcome => 'code' in outcome && outcome.code),
    ['stalled']
  )
  const proof = { purpose: 'link', body: Buffer.from('{}'), signature: Buffer.alloc(64) } as const
  assert.deepEqual(await refusal(responding.prove(first, proof)), [409, 'out_of_order'])
  pass(HANDSHAKE.stepMs + 1)
  assert.equal(responding.open, 0)
  assert.equal(outcomes.length, HANDSHAKE.open + 2)
})

test('a connection that closes in mid-handshake frees its place, and is no refusal', async t => {
  const { responding, hello, connection, pass, outcomes } = await responder(t)
  const state = connection()
  await hello(state)

  responding.forget(state)

  assert.equal(responding.open, 0)
  pass(HANDSHAKE.stepMs + 1)
  assert.deepEqual(outcomes, [])
})

test('a refusal that cannot be recorded is answered as what failed', async t => {
  const { hello, connection } = await responder(t, () => Promise.reject(new Error('the log is full')))
  const state = connection()
  await hello(state)

  await assert.rejects(hello(state), /the log is full/)
})

test('a connection carries one handshake, whichever side begins it', async t => {
  const { responding, hello, connection, outcomes } = await responder(t)
  const [ours, theirs] = [connection(), connection()]

  assert.equal(responding.begin(ours), true)
  assert.deepEqual(await refusal(hello(ours)), [409, 'second_handshake'])
  assert.equal(responding.begin(ours), false)
  await hello(theirs)
  assert.equal(responding.begin(theirs), false)

  assert.deepEqual([responding.open, outcomes.length], [1, 1])
})
