import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERRORS } from '../../protocols/index.ts'
import {
  FACTS,
  NOW,
  NOW_S,
  delegationOf,
  edited,
  hubOf,
  isProof,
  later,
  nonceOf,
  party,
  peerOf,
  run,
  twoHubs
} from './handshake.fixture.ts'
import type { Pair, Tamper } from './handshake.fixture.ts'
import { initiate, proceed } from './initiator.ts'
import { HANDSHAKE } from './numbers.ts'
import type { Message, Refused } from './party.ts'
import { REFUSALS, REFUSAL_CODES, isLasting, isVeiled } from './refusals.ts'
import type { RefusalCode } from './refusals.ts'
import { newResponder, respond } from './responder.ts'

const SECRET = Buffer.alloc(32, 9)
const inOrder = <T>(...items: T[]): T[] => items

/** Changes the nth message that passes, counted from 0. */
function nth(n: number, change: Tamper): Tamper {
  let seen = -1
  return message => (++seen === n ? change(message) : message)
}
const HELLO = 0
const CHALLENGE = 1
const PROOF = 2
const ANSWER = 3
const members = (n: number, change: object): Tamper => nth(n, message => edited(message, () => change))
const bytes = (n: number, body: string | Uint8Array): Tamper =>
  nth(n, message => ({ ...message, body: Buffer.from(body) }))
const unsigned = (n: number): Tamper =>
  nth(n, message => ({ ...message, signature: Buffer.alloc(64) }) as Message)

/** A pairing by an invite. */
const pairing = (change: Partial<Pair> = {}): Pair =>
  twoHubs({
    a: party('a', []),
    b: party('b', [], { openInvite: () => SECRET }),
    dialled: { ...twoHubs().dialled, secret: SECRET },
    ...change
  })

const expired = { delegation: delegationOf('a', { not_after: NOW_S - 61 }) }
const ended = { ...FACTS, treaty: { ...FACTS.treaty, expires: NOW_S } }

interface Case {
  readonly about: string
  readonly code: RefusalCode
  readonly pair?: Pair
  readonly tamper?: Tamper
  /** Which message is refused. */
  readonly at: number
}

const GARBAGE = inOrder(
  ['no bytes', ''],
  ['no JSON', '\xff\x00'],
  ['a list', '[]'],
  ['an empty object', '{}'],
  ['half an object', '{"from":'],
  ['white space in front', ' {}'],
  ['64 KiB', `{"a":"${'x'.repeat(65_000)}"}`]
).flatMap(([what, body]) =>
  [HELLO, CHALLENGE, PROOF, ANSWER].map(at => ({
    about: `${what!} as message ${at}`,
    code: 'malformed' as const,
    tamper: bytes(at, body!),
    at
  }))
)

const ALIKE: readonly Case[] = [HELLO, CHALLENGE].flatMap(at => [
  { about: 'a node’s own message', code: 'reflected', tamper: members(at, { from: receiver(at) }), at },
  {
    about: 'a node’s own nonce',
    code: 'reflected',
    pair: whoDrew(nonceOf('m')),
    tamper: members(at, { nonce: nonceOf('m') }),
    at
  },
  {
    about: 'another sender than the channel’s',
    code: 'relayed',
    tamper: members(at, { from: peerOf('m') }),
    at
  },
  { about: 'a message to another node', code: 'relayed', tamper: members(at, { to: peerOf('m') }), at },
  { about: 'an extension to be known', code: 'unknown_extension', tamper: members(at, { must: ['x'] }), at },
  { about: 'another federation', code: 'other_federation', tamper: members(at, { federation: 'beta' }), at }
])

const PROOFS: readonly Case[] = [PROOF, ANSWER].flatMap(at => [
  { about: 'a proof of the receiver', code: 'reflected', tamper: members(at, { from: receiver(at) }), at },
  {
    about: 'another sender than the channel’s',
    code: 'relayed',
    tamper: members(at, { from: peerOf('m') }),
    at
  },
  { about: 'a proof to another node', code: 'relayed', tamper: members(at, { to: peerOf('m') }), at },
  { about: 'an extension to be known', code: 'unknown_extension', tamper: members(at, { must: ['x'] }), at },
  { about: 'a signature of nobody', code: 'wrong_key', tamper: unsigned(at), at },
  {
    about: 'the nonces of another handshake',
    code: 'replayed',
    tamper: members(at, { nonces: { initiator: nonceOf('a'), responder: nonceOf('m') } }),
    at
  },
  {
    about: 'facts that were changed on the way',
    code: 'wrong_key',
    tamper: members(at, { facts: { ...FACTS, revocation_seq: 4 } }),
    at
  }
])

const CASES: readonly Case[] = [
  ...ALIKE,
  ...PROOFS,
  ...GARBAGE,
  {
    about: 'no version in common',
    code: 'unknown_version',
    tamper: members(HELLO, { versions: [2, 3] }),
    at: HELLO
  },
  {
    about: 'no algorithm in common',
    code: 'unknown_algorithm',
    tamper: members(HELLO, { algs: ['x'] }),
    at: HELLO
  },
  {
    about: 'a version that was not offered',
    code: 'unknown_version',
    tamper: members(CHALLENGE, { version: 2 }),
    at: CHALLENGE
  },
  {
    about: 'an algorithm that was not offered',
    code: 'unknown_algorithm',
    tamper: members(CHALLENGE, { alg: 'none' }),
    at: CHALLENGE
  },
  {
    about: 'a challenge to another hello',
    code: 'replayed',
    tamper: members(CHALLENGE, { answers: nonceOf('m') }),
    at: CHALLENGE
  },
  {
    about: 'another hub than was dialled, allowed or not',
    code: 'other_hub',
    pair: twoHubs({ a: party('a', ['b', 'c']), dialled: { ...twoHubs().dialled, hub: hubOf('c') } }),
    at: CHALLENGE
  },
  {
    about: 'a hub that is not allowed any more',
    code: 'not_allowlisted',
    pair: twoHubs({ a: party('a', []) }),
    at: CHALLENGE
  },
  {
    about: 'a delegation that the hub did not sign',
    code: 'wrong_key',
    pair: twoHubs({
      b: party('b', ['a'], { delegation: { ...delegationOf('b'), signature: Buffer.alloc(64) } })
    }),
    at: CHALLENGE
  },
  {
    about: 'a delegation of another node of the hub',
    code: 'wrong_key',
    pair: twoHubs({ b: party('b', ['a'], { delegation: delegationOf('b', { peer_id: peerOf('m') }) }) }),
    at: CHALLENGE
  },
  {
    about: 'a responder that is revoked',
    code: 'revoked',
    pair: twoHubs({ a: party('a', ['b'], { isRevoked: () => true }) }),
    at: CHALLENGE
  },
  {
    about: 'a responder whose delegation has expired',
    code: 'expired_delegation',
    pair: twoHubs({ b: party('b', ['a'], { delegation: delegationOf('b', { not_after: NOW_S - 61 }) }) }),
    at: CHALLENGE
  },
  {
    about: 'a responder whose delegation is of the future',
    code: 'expired_delegation',
    pair: twoHubs({ b: party('b', ['a'], { delegation: delegationOf('b', { not_before: NOW_S + 61 }) }) }),
    at: CHALLENGE
  },
  {
    about: 'a treaty of the initiator that has expired, before it is shown',
    code: 'expired_treaty',
    pair: twoHubs({ a: party('a', [], { factsFor: () => ended }) }),
    at: CHALLENGE
  },
  {
    about: 'a hub that is not on the allowlist',
    code: 'not_allowlisted',
    pair: twoHubs({ b: party('b', []) }),
    at: PROOF
  },
  {
    about: 'an initiator whose hub did not sign its delegation',
    code: 'wrong_key',
    pair: twoHubs({
      a: party('a', ['b'], { delegation: { ...delegationOf('a'), signature: Buffer.alloc(64) } })
    }),
    at: PROOF
  },
  {
    about: 'the delegation of another node',
    code: 'wrong_key',
    pair: twoHubs({ a: party('a', ['b'], { delegation: delegationOf('a', { peer_id: peerOf('m') }) }) }),
    at: PROOF
  },
  {
    about: 'an initiator that is revoked',
    code: 'revoked',
    pair: twoHubs({ b: party('b', ['a'], { isRevoked: () => true }) }),
    at: PROOF
  },
  {
    about: 'an initiator whose delegation has expired',
    code: 'expired_delegation',
    pair: twoHubs({ a: party('a', ['b'], expired) }),
    at: PROOF
  },
  {
    about: 'a treaty of the responder that has expired',
    code: 'expired_treaty',
    pair: twoHubs({ b: party('b', [], { factsFor: () => ended }) }),
    at: PROOF
  },
  {
    about: 'an initiator that says it is the responder',
    code: 'reflected',
    tamper: members(PROOF, { role: 'responder', delegation: undefined }),
    at: PROOF
  },
  {
    about: 'a responder that says it is the initiator',
    code: 'reflected',
    tamper: members(ANSWER, { role: 'initiator', delegation: JSON.parse(JSON.stringify(asJson('b'))) }),
    at: ANSWER
  },
  {
    about: 'a pairing although no invite is open',
    code: 'no_invite',
    pair: pairing({ b: party('b', ['a']) }),
    at: PROOF
  },
  {
    about: 'a pairing by another invite',
    code: 'wrong_secret',
    pair: pairing({ dialled: { ...twoHubs().dialled, secret: Buffer.alloc(32, 8) } }),
    at: PROOF
  },
  {
    about: 'a pairing without a mac',
    code: 'wrong_secret',
    pair: pairing(),
    tamper: nth(PROOF, message => ({ ...message, mac: undefined }) as Message),
    at: PROOF
  },
  {
    about: 'a pairing whose answer has the mac of the question',
    code: 'wrong_secret',
    pair: pairing(),
    tamper: (() => {
      let mac: Uint8Array | undefined
      return (message: Message) => {
        if (!isProof(message)) return message
        mac ??= message.mac
        return { ...message, mac }
      }
    })(),
    at: ANSWER
  },
  {
    about: 'a pairing in the call for links',
    code: 'malformed',
    pair: pairing(),
    tamper: nth(PROOF, message => ({ ...message, purpose: 'link' }) as Message),
    at: PROOF
  },
  {
    about: 'a link answered as a pairing',
    code: 'malformed',
    tamper: members(ANSWER, { purpose: 'pair', facts: undefined }),
    at: ANSWER
  }
]

for (const { about, code, pair = twoHubs(), tamper, at } of CASES) {
  const side = at === HELLO || at === PROOF ? 'responder' : 'initiator'
  test(`${['hello', 'challenge', 'proof', 'answer'][at]}: ${about} is ${code}`, () => {
    const outcomes = run(pair, tamper)

    const outcome = outcomes[side]
    assert.equal(outcome?.kind, 'refused', JSON.stringify(outcome))
    const { code: found, peer, holdMs } = outcome as Refused
    assert.deepEqual([found, peer], [code, side === 'responder' ? peerOf('a') : peerOf('b')])
    assert.equal(outcomes.messages.length, at + 1, 'nothing came behind the refused message')
    assert.equal(holdMs, side === 'responder' && isVeiled(code) ? HANDSHAKE.refusalHoldMs : 0)
    if (at !== ANSWER) assert.equal(outcomes[side === 'responder' ? 'initiator' : 'responder'], undefined)
  })
}

test('a third node in the middle: what it relays is refused, and what it rewrites is signed by nobody', () => {
  const [a, b] = [party('a', ['b']), party('b', ['a'])]
  const toM = { peer: peerOf('m'), nonce: nonceOf('a'), hub: hubOf('b') }
  const fromM = { peer: peerOf('m'), nonce: nonceOf('b') }
  const hello = initiate(a, toM, NOW)

  const plain = respond(b, fromM, newResponder(), hello.send!, NOW)
  assert.equal((plain.outcome as Refused).code, 'relayed')

  const rewritten = edited(hello.send!, () => ({ from: peerOf('m'), to: peerOf('b'), nonce: nonceOf('m') }))
  const challenge = respond(b, { ...fromM, nonce: nonceOf('b2') }, newResponder(), rewritten, NOW)
  const asked = edited(challenge.send!, () => ({ from: peerOf('m'), to: peerOf('a'), answers: nonceOf('a') }))
  const left = proceed(a, toM, hello.state, asked, NOW)
  assert.equal((left.outcome as Refused).code, 'wrong_key', 'the delegation is for b, the channel goes to m')
})

test('a hello that comes again, on another connection, is replayed', () => {
  const { a, b, dialled, channel } = twoHubs()
  const hello = initiate(a, dialled, NOW).send!
  respond(b, channel, newResponder(), hello, NOW)

  const again = respond(b, { ...channel, nonce: nonceOf('b2') }, newResponder(), hello, later(1000))

  assert.equal((again.outcome as Refused).code, 'replayed')
})

test('a proof of an earlier handshake is replayed, also when its hello was forgotten', () => {
  const old = run(twoHubs()).messages
  const { b } = twoHubs()
  const channel = { peer: peerOf('a'), nonce: nonceOf('b2') }

  const challenge = respond(b, channel, newResponder(), old[0]!, NOW)
  const again = respond(b, channel, challenge.state, old[2]!, NOW)

  assert.equal((again.outcome as Refused).code, 'replayed')
})

test('a hello that is sent back to its sender is reflected', () => {
  const { a, dialled } = twoHubs()
  const hello = initiate(a, dialled, NOW).send!

  const back = respond(a, { peer: peerOf('b'), nonce: nonceOf('a2') }, newResponder(), hello, NOW)

  assert.equal((back.outcome as Refused).code, 'reflected')
})

test('two nodes with one key do not begin', () => {
  const { a } = twoHubs()
  const left = initiate(a, { peer: a.peerId, nonce: nonceOf('a'), hub: hubOf('b') }, NOW)
  const hello = run(twoHubs()).messages[0]!
  const right = respond(a, { peer: a.peerId, nonce: nonceOf('b') }, newResponder(), hello, NOW)

  assert.deepEqual(
    [left, right].map(({ outcome, send }) => [(outcome as Refused).code, send]),
    [
      ['same_key', undefined],
      ['same_key', undefined]
    ]
  )
})

test('a connection has one handshake, whatever became of it', () => {
  const { a, b, dialled, channel } = twoHubs()
  const hello = initiate(a, dialled, NOW).send!
  const begun = respond(b, channel, newResponder(), hello, NOW)
  const over = respond(b, channel, newResponder(), { kind: 'hello', body: Buffer.from('{}') }, NOW)

  for (const { state } of [begun, over]) {
    const second = respond(b, channel, state, hello, NOW)
    assert.equal((second.outcome as Refused).code, 'second_handshake')
    assert.equal(second.state.phase, 'over')
  }
})

test('messages out of their order, and late ones, are refused', () => {
  const { messages } = run(twoHubs())
  const [hello, challenge, proof, answer] = messages as [Message, Message, Message, Message]
  const { a, b, dialled, channel } = twoHubs()
  const begun = initiate(a, dialled, NOW)
  const asked = respond(b, channel, newResponder(), hello, NOW)
  const code = (step: { outcome?: unknown }) => (step.outcome as Refused).code

  assert.equal(code(respond(b, channel, newResponder(), proof, NOW)), 'out_of_order')
  assert.equal(code(respond(b, channel, asked.state, challenge, NOW)), 'out_of_order')
  assert.equal(code(proceed(a, dialled, begun.state, answer, NOW)), 'out_of_order')
  assert.equal(code(proceed(a, dialled, { phase: 'over' }, challenge, NOW)), 'out_of_order')
  assert.equal(code(respond(b, channel, asked.state, proof, later(5000))), 'stalled')
  assert.equal(code(proceed(a, dialled, begun.state, challenge, later(5000))), 'stalled')
})

test('a treaty that ends on the way is refused by the other side', () => {
  const ends = { ...FACTS, treaty: { ...FACTS.treaty, expires: NOW_S + 60 } }
  const { a, dialled, channel } = twoHubs({ a: party('a', [], { factsFor: () => ends }) })
  const b = party('b', [], { factsFor: () => ends })
  const early = { ms: NOW.ms, s: NOW_S + 59 }
  const late = { ms: NOW.ms, s: NOW_S + 60 }
  const hello = initiate(a, dialled, early)
  const challenge = respond(b, channel, newResponder(), hello.send!, early)
  const proof = proceed(a, dialled, hello.state, challenge.send!, early)

  const right = respond(b, channel, challenge.state, proof.send!, late)
  assert.deepEqual(
    [(right.outcome as Refused).code, (right.outcome as Refused).detail],
    ['expired_treaty', `theirs ended at ${NOW_S + 60}`]
  )
  const answer = respond(b, channel, challenge.state, proof.send!, early)
  const left = proceed(a, dialled, proof.state, answer.send!, late)
  assert.equal((left.outcome as Refused).code, 'expired_treaty')
})

test('a hub that is not allowed costs no signature', () => {
  const { a, dialled, channel } = twoHubs()
  const b = party('b', [])
  const hello = initiate(a, dialled, NOW)
  const challenge = respond(b, channel, newResponder(), hello.send!, NOW)
  const proof = proceed(a, dialled, hello.state, challenge.send!, NOW).send!
  // Bytes that throw when a verifier reads them.
  const signature = new Proxy(Buffer.alloc(64), { get: () => assert.fail('the signature was looked at') })

  const { outcome } = respond(b, channel, challenge.state, { ...proof, signature } as Message, NOW)

  assert.equal((outcome as Refused).code, 'not_allowlisted')
})

test('a stranger is told the same, whether the hub is unknown, badly proven or revoked', () => {
  const pairs = [
    twoHubs({ b: party('b', []) }),
    twoHubs({ a: party('a', ['b'], { delegation: { ...delegationOf('a'), signature: Buffer.alloc(64) } }) }),
    twoHubs({ b: party('b', ['a'], { isRevoked: () => true }) }),
    pairing({ b: party('b', []) }),
    pairing({ dialled: { ...twoHubs().dialled, secret: Buffer.alloc(32, 8) } })
  ]

  const told = pairs.map(pair => {
    const { code, holdMs } = run(pair).responder as Refused
    return [REFUSALS[code].told, REFUSALS[code].counted, holdMs]
  })

  assert.deepEqual(told, Array(5).fill(['not_allowlisted', 'not_allowlisted', 100]))
})

test('the codes, what is told of them and how they are counted are those of the text', () => {
  const spec = readFileSync(new URL('../../specs/federation-handshake.md', import.meta.url), 'utf8')
  const section = spec.slice(spec.indexOf('## 7.'), spec.indexOf('## 8.'))
  const rows = Array.from(
    section.matchAll(/^\| `(\w+)` +\| (itself|never told|`(\w+)`) +\| (\d+) +\| `(\w+)` +\|/gm),
    ([, code, how, told, status, counted]) => [code, how === 'itself' ? code : told, Number(status), counted]
  )

  assert.deepEqual(
    REFUSAL_CODES.map(code => {
      const { told, counted } = REFUSALS[code]
      return [code, told, ERRORS[counted].status, counted]
    }),
    rows
  )
})

function receiver(at: number): string {
  return peerOf(at === HELLO || at === PROOF ? 'b' : 'a')
}

/** Nodes that have both drawn a nonce before. */
function whoDrew(nonce: string): Pair {
  const pair = twoHubs()
  for (const { nonces } of [pair.a, pair.b]) nonces.drew(nonce, NOW.ms)
  return pair
}

function asJson(name: string): object {
  const { signature, statement } = delegationOf(name)
  return { signature: Buffer.from(signature).toString('base64'), statement }
}

test('lasts where an operator has to act, and not where the network or a node failed', () => {
  const passing = REFUSAL_CODES.filter(code => !isLasting(code))
  const told = ['saturated', 'quota_peer', 'not_ready', 'draining', 'deadline', 'internal', 'upstream']

  assert.deepEqual(passing, ['out_of_order', 'second_handshake', 'stalled'])
  assert.deepEqual(told.filter(isLasting), [])
  assert.deepEqual(['cap_denied', 'unknown_app', 'of another program'].map(isLasting), [true, true, true])
})
