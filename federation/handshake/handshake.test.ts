import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  FACTS,
  NOW,
  NOW_S,
  delegationOf,
  hubOf,
  isProof,
  keyOf,
  later,
  nonceOf,
  party,
  peerOf,
  run,
  twoHubs
} from './handshake.fixture.ts'
import { initiate, initiatorTick, proceed, turnedAway } from './initiator.ts'
import type { Established } from './party.ts'
import { newResponder, respond, responderTick } from './responder.ts'

const SECRET = Buffer.alloc(32, 9)

test('links two hubs that allow each other, under one transcript id', () => {
  const { initiator, responder, messages } = run(twoHubs())

  assert.deepEqual(
    messages.map(({ kind }) => kind),
    ['hello', 'challenge', 'proof', 'proof']
  )
  const [a, b] = [initiator as Established, responder as Established]
  assert.deepEqual([a.kind, a.role, a.hub, a.peer], ['linked', 'initiator', hubOf('b'), peerOf('b')])
  assert.deepEqual([b.kind, b.role, b.hub, b.peer], ['linked', 'responder', hubOf('a'), peerOf('a')])
  assert.deepEqual(a.delegation.statement, delegationOf('b').statement)
  assert.deepEqual(b.delegation.statement, delegationOf('a').statement)
  assert.deepEqual([a.facts, b.facts], Array(2).fill({ theirs: FACTS, ours: FACTS }))
  assert.match(a.transcript, /^[0-9a-f]{64}$/)
  assert.equal(a.transcript, b.transcript)
  assert.notEqual(a.boot, b.boot)
})

test('gives every handshake another transcript id', () => {
  const first = run(twoHubs())
  const second = run(twoHubs({ dialled: { ...twoHubs().dialled, nonce: nonceOf('other') } }))

  assert.notEqual((first.initiator as Established).transcript, (second.initiator as Established).transcript)
})

test('says the facts of a hub in its proof alone', () => {
  const { messages } = run(twoHubs())

  const telling = messages.filter(({ body }) => Buffer.from(body).includes('revocation_seq'))
  assert.deepEqual(telling, messages.filter(isProof))
  assert.ok(!Buffer.from(messages[0]!.body).includes(hubOf('a')), 'a hello names no hub')
})

test('pairs hubs that know one invite and do not allow each other yet', () => {
  const pair = twoHubs({
    a: party('a', []),
    b: party('b', [], { openInvite: () => SECRET }),
    dialled: { ...twoHubs().dialled, secret: SECRET }
  })

  const { initiator, responder, messages } = run(pair)

  assert.deepEqual([initiator?.kind, responder?.kind], ['paired', 'paired'])
  assert.equal((initiator as Established).transcript, (responder as Established).transcript)
  assert.ok(!messages.some(({ body }) => Buffer.from(body).includes('facts')))
})

for (const hours of [-1, 1]) {
  test(`takes part although the clocks differ by ${hours} h, and says by how much`, () => {
    const skewed = { ms: NOW.ms, s: NOW_S + hours * 3600 }
    const { a, b, dialled, channel } = twoHubs()

    const hello = initiate(a, dialled, NOW)
    const challenge = respond(b, channel, newResponder(), hello.send!, skewed)
    const proof = proceed(a, dialled, hello.state, challenge.send!, NOW)
    const right = respond(b, channel, challenge.state, proof.send!, skewed)
    const left = proceed(a, dialled, proof.state, right.send!, NOW)

    assert.equal((left.outcome as Established).skewS, hours * 3600)
    assert.equal((right.outcome as Established).skewS, -hours * 3600)
  })
}

test('is the same bytes again for the same nonces and time', () => {
  const bodies = () => run(twoHubs()).messages.map(({ body }) => Buffer.from(body).toString('hex'))

  assert.deepEqual(bodies(), bodies())
})

test('a peer that stalls is refused when its time is over, and not before', () => {
  const { a, b, dialled, channel } = twoHubs()
  const hello = initiate(a, dialled, NOW)
  const challenge = respond(b, channel, newResponder(), hello.send!, NOW)
  const proof = proceed(a, dialled, hello.state, challenge.send!, later(4999))
  const outcomes = (ms: number) => [
    initiatorTick(dialled, hello.state, later(ms)).outcome,
    responderTick(channel, challenge.state, later(ms)).outcome
  ]

  assert.deepEqual(outcomes(4999), [undefined, undefined])
  assert.deepEqual(
    outcomes(5000).map(outcome => outcome?.kind === 'refused' && outcome.code),
    ['stalled', 'stalled']
  )
  assert.equal(initiatorTick(dialled, proof.state, later(9998)).outcome, undefined)
  assert.equal(initiatorTick(dialled, proof.state, later(9999)).outcome?.kind, 'refused')
})

test('time does nothing to a handshake that is over, nor to a responder that waits for its hello', () => {
  const { dialled, channel } = twoHubs()
  const over = { phase: 'over' } as const

  assert.deepEqual(initiatorTick(dialled, over, later(99_999)), { state: over })
  assert.deepEqual(responderTick(channel, over, later(99_999)), { state: over })
  assert.equal(responderTick(channel, newResponder(), later(99_999)).outcome, undefined)
})

test('an initiator that is turned away says what it was told, once', () => {
  const { a, dialled } = twoHubs()
  const { state } = initiate(a, dialled, NOW)

  const away = turnedAway(dialled, state, 'not_allowlisted')

  assert.deepEqual(away.outcome, {
    kind: 'turned_away',
    code: 'not_allowlisted',
    peer: peerOf('b'),
    hub: hubOf('b')
  })
  assert.equal(turnedAway(dialled, away.state, 'not_allowlisted').outcome, undefined)
})

test('a key that is not that of the peer id links nobody', () => {
  const { responder } = run(twoHubs({ a: party('a', ['b'], { key: keyOf('node mallory') }) }))

  assert.equal(responder?.kind, 'refused')
})
