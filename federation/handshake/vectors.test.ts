import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { signingKey } from '../ed25519.ts'
import { peerPublicKey } from '../peer-key.ts'
import { DELEGATION, type Delegation } from '../delegation.ts'
import { readSigned } from '../statement.ts'
import { initiate, initiatorTick, proceed } from './initiator.ts'
import type { Dialled, Initiator } from './initiator.ts'
import type { Facts, Side } from './messages.ts'
import { NonceMemory } from './nonces.ts'
import type { Established, Message, Moment, Party, ProofMessage, Refused } from './party.ts'
import { newResponder, respond, responderTick } from './responder.ts'
import { REFUSALS } from './refusals.ts'

interface Node {
  readonly hub: string
  readonly node_seed: string
  readonly peer_id: string
  readonly boot: string
  readonly federation: string
  readonly delegation: object
}
type Both<T> = Readonly<Record<Side, T>>
interface Run {
  readonly name: string
  readonly about: string
  readonly purpose: 'link' | 'pair'
  readonly initiator: string
  readonly responder: string
  readonly nonces: Both<string>
  readonly now: Both<number>
  readonly hello: string
  readonly challenge: string
  readonly proof: string
  readonly answer: string
  readonly r: string
  readonly signatures: Both<string>
  readonly macs?: Both<string>
}
interface WireMessage {
  readonly kind: Message['kind']
  readonly purpose?: 'link' | 'pair'
  readonly body: string
  readonly signature?: string
  readonly mac?: string
}
interface Refusal {
  readonly name: string
  readonly about: string
  readonly role: Side
  readonly node: string
  readonly channel: string
  readonly nonce: string
  readonly now: number
  readonly hub?: string
  readonly allows: readonly string[]
  readonly before: readonly WireMessage[]
  readonly message: WireMessage
  readonly code: string
  readonly told: string | null
  readonly drew?: readonly string[]
  readonly shown?: readonly string[]
  readonly revoked?: boolean
  readonly invite?: boolean
  readonly secret?: boolean
  readonly after_ms?: number
}

const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-handshake.json', import.meta.url), 'utf8')
) as {
  readonly nodes: Readonly<Record<string, Node>>
  readonly facts: Readonly<Record<string, Facts>>
  readonly invite: { readonly k: string }
  readonly runs: readonly Run[]
  readonly refusals: readonly Refusal[]
  readonly peer_ids: readonly {
    readonly text: string
    readonly accept: boolean
    readonly public_key?: string
  }[]
}
const K = Buffer.from(vectors.invite.k, 'hex')
const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex')

function partyOf(name: string, allows: readonly string[], change: Partial<Party> = {}): Party {
  const node = vectors.nodes[name]!
  return {
    peerId: node.peer_id,
    key: signingKey(Buffer.from(node.node_seed, 'hex')),
    delegation: readSigned(DELEGATION, node.delegation) as Delegation,
    boot: node.boot,
    federation: node.federation,
    nonces: new NonceMemory(),
    factsFor: hub => (allows.includes(hub) ? vectors.facts[name] : undefined),
    isRevoked: () => false,
    openInvite: () => undefined,
    ...change
  }
}

for (const run of vectors.runs) {
  test(`${run.name}: ${run.about}`, () => {
    const [from, to] = [vectors.nodes[run.initiator]!, vectors.nodes[run.responder]!]
    const isPairing = run.purpose === 'pair'
    const a = partyOf(run.initiator, isPairing ? [] : [to.hub])
    const b = partyOf(run.responder, isPairing ? [] : [from.hub], { openInvite: () => K })
    const dialled: Dialled = {
      peer: to.peer_id,
      nonce: run.nonces.initiator,
      hub: to.hub,
      ...(isPairing && { secret: K })
    }
    const channel = { peer: from.peer_id, nonce: run.nonces.responder }
    const [left, right] = [
      { ms: 0, s: run.now.initiator },
      { ms: 0, s: run.now.responder }
    ]

    const hello = initiate(a, dialled, left)
    const challenge = respond(b, channel, newResponder(), hello.send!, right)
    const proof = proceed(a, dialled, hello.state, challenge.send!, left)
    const answer = respond(b, channel, challenge.state, proof.send!, right)
    const last = proceed(a, dialled, proof.state, answer.send!, left)

    const sent = [hello, challenge, proof, answer].map(({ send }) => Buffer.from(send!.body).toString())
    assert.deepEqual(sent, [run.hello, run.challenge, run.proof, run.answer])
    const proofs = [proof.send, answer.send] as readonly ProofMessage[]
    const sides = ['initiator', 'responder'] as const
    assert.deepEqual(
      proofs.map(({ signature }) => hex(signature)),
      sides.map(side => run.signatures[side])
    )
    assert.deepEqual(
      proofs.map(({ mac }) => hex(mac)),
      sides.map(side => run.macs?.[side])
    )
    const ends = [answer.outcome, last.outcome] as readonly Established[]
    assert.deepEqual(
      ends.map(({ kind, transcript, skewS }) => [kind, transcript, skewS]),
      [right, left].map((mine, n) => [isPairing ? 'paired' : 'linked', run.r, [left, right][n]!.s - mine.s])
    )
  })
}

const messageOf = ({ body, signature, mac, ...rest }: WireMessage): Message =>
  ({
    ...rest,
    body: Buffer.from(body),
    ...(signature !== undefined && { signature: Buffer.from(signature, 'hex') }),
    ...(mac !== undefined && { mac: Buffer.from(mac, 'hex') })
  }) as Message

for (const refusal of vectors.refusals) {
  const { name, about, role, code, told } = refusal
  test(`${name}: ${role}, ${about}: ${code}`, () => {
    const outcome = role === 'initiator' ? initiatorOf(refusal) : responderOf(refusal)

    assert.deepEqual([outcome?.kind, outcome?.code], ['refused', code])
    if (role === 'responder') assert.equal(REFUSALS[outcome!.code].told, told)
  })
}

function judge(refusal: Refusal): { readonly party: Party; readonly at: Moment; readonly late: Moment } {
  const { node, allows, now, drew = [], shown = [], revoked = false, invite = false } = refusal
  const party = partyOf(node, allows, {
    isRevoked: () => revoked,
    openInvite: () => (invite ? K : undefined)
  })
  for (const nonce of drew) party.nonces.drew(nonce, 0)
  for (const nonce of shown) party.nonces.take(nonce, 0)
  return { party, at: { ms: 0, s: now }, late: { ms: refusal.after_ms ?? 0, s: now } }
}

function responderOf(refusal: Refusal): Refused | undefined {
  const { party, at, late } = judge(refusal)
  const channel = { peer: refusal.channel, nonce: refusal.nonce }
  let state = newResponder()
  for (const message of refusal.before) {
    const step = respond(party, channel, state, messageOf(message), at)
    assert.equal(step.outcome, undefined, 'refused too early')
    state = step.state
  }
  const { outcome } = respond(party, channel, state, messageOf(refusal.message), late)
  if (refusal.code === 'stalled')
    assert.deepEqual((responderTick(channel, state, late).outcome as Refused).code, 'stalled')
  return outcome as Refused | undefined
}

function initiatorOf(refusal: Refusal): Refused | undefined {
  const { party, at, late } = judge(refusal)
  const dialled: Dialled = {
    peer: refusal.channel,
    nonce: refusal.nonce,
    hub: refusal.hub!,
    ...(refusal.secret === true && { secret: K })
  }
  let state: Initiator = initiate(party, dialled, at).state
  for (const message of refusal.before) {
    const step = proceed(party, dialled, state, messageOf(message), at)
    assert.equal(step.outcome, undefined, 'refused too early')
    state = step.state
  }
  const { outcome } = proceed(party, dialled, state, messageOf(refusal.message), late)
  if (refusal.code === 'stalled')
    assert.deepEqual((initiatorTick(dialled, state, late).outcome as Refused).code, 'stalled')
  return outcome as Refused | undefined
}

for (const { text, accept, public_key } of vectors.peer_ids) {
  test(`${text} is ${accept ? 'the' : 'no'} peer id of a usable Ed25519 key`, () => {
    const key = peerPublicKey(text)

    assert.equal(hex(key), public_key)
    assert.equal(key !== undefined, accept)
  })
}
