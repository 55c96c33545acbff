import assert from 'node:assert/strict'
import {
  DELEGATION,
  NonceMemory,
  REFUSALS,
  canonicalJson,
  initiate,
  newResponder,
  proceed,
  readSigned,
  respond,
  signingKey
} from '../../../federation/index.ts'
import type {
  CanonicalValue,
  Delegation,
  Dialled,
  Facts,
  Initiator,
  Message,
  Moment,
  Outcome,
  Party,
  ProofMessage,
  Responder
} from '../../../federation/index.ts'
import { signTranscript, transcriptDigest } from '../../../federation/handshake/transcript.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { HANDSHAKE_TOKENS, JSON_TOKENS } from './dictionary.ts'
import { HANDSHAKES, handshakeSeeds } from './handshake-seeds.ts'

const { now, nodes, facts, runs } = HANDSHAKES
const AT: Moment = { ms: 0, s: now }
const { nonces } = runs[0]!

function partyOf(name: 'a' | 'b', other: 'a' | 'b'): Omit<Party, 'nonces'> {
  const { node_seed, peer_id, boot, delegation } = nodes[name]
  return {
    peerId: peer_id,
    key: signingKey(Buffer.from(node_seed, 'hex')),
    delegation: readSigned(DELEGATION, delegation) as Delegation,
    boot,
    federation: 'main',
    factsFor: hub => (hub === nodes[other].hub ? (facts[name] as Facts) : undefined),
    isRevoked: () => false,
    openInvite: () => undefined
  }
}

const left = partyOf('a', 'b')
const right = partyOf('b', 'a')
const fresh = (party: Omit<Party, 'nonces'>): Party => ({ ...party, nonces: new NonceMemory() })
const dialled: Dialled = { peer: right.peerId, nonce: nonces.initiator, hub: nodes.b.hub }
const channel = { peer: left.peerId, nonce: nonces.responder }

// The handshake as it goes without anybody's interference, and the states in which each message comes.
const hello = initiate(fresh(left), dialled, AT)
const challenge = respond(fresh(right), channel, newResponder(), hello.send!, AT)
const proof = proceed(fresh(left), dialled, hello.state, challenge.send!, AT)
const answer = respond(fresh(right), channel, challenge.state, proof.send!, AT)
const HONEST = [hello, challenge, proof, answer].map(({ send }) => send!)

const fieldsOf = (state: Initiator | Responder): readonly Uint8Array[] =>
  'fields' in state ? state.fields : []

/** The body in the place of an honest message's; signed anew by its sender where `isSigned`. */
function messageOf(step: number, isSigned: boolean, body: Uint8Array): Message {
  const honest = HONEST[step]!
  if (honest.kind !== 'proof') return { ...honest, body }
  if (!isSigned) return { ...honest, body }
  const [party, role, state] =
    step === 2
      ? ([left, 'initiator', challenge.state] as const)
      : ([right, 'responder', proof.state] as const)
  const digest = transcriptDigest([...fieldsOf(state), body])
  return { ...honest, body, signature: signTranscript(party.key, role, digest) } satisfies ProofMessage
}

function judged(step: number, message: Message): { outcome?: Outcome; send?: Message } {
  if (step === 0) return respond(fresh(right), channel, newResponder(), message, AT)
  if (step === 1) return proceed(fresh(left), dialled, hello.state, message, AT)
  if (step === 2) return respond(fresh(right), channel, challenge.state, message, AT)
  return proceed(fresh(left), dialled, proof.state, message, AT)
}

function run(input: Uint8Array): void {
  const step = (input[0] ?? 0) & 3
  const isSigned = ((input[0] ?? 0) & 4) !== 0
  const body = input.subarray(1)
  const { outcome, send } = judged(step, messageOf(step, isSigned, body))
  if (outcome?.kind === 'refused') {
    assert.equal(send, undefined, 'a refusal comes with a message')
    assert.ok(outcome.code in REFUSALS)
    return
  }
  // What was taken is canonical: there is no other text of it.
  const text = Buffer.from(body).toString('utf8')
  assert.equal(canonicalJson(JSON.parse(text) as CanonicalValue), text, 'two forms of one message')
  if (outcome === undefined) return assert.notEqual(send, undefined, 'neither refused nor answered')
  assert.equal(outcome.kind, 'linked')
  assert.ok(step >= 2, 'linked before the proof')
  if (!isSigned)
    assert.deepEqual(Buffer.from(body), Buffer.from(HONEST[step]!.body), 'linked by what nobody signed')
  assert.equal(outcome.hub, step === 2 ? nodes.a.hub : nodes.b.hub, 'linked with another hub')
}

export const handshake: Target = {
  name: 'handshake',
  about:
    'messages of a handshake between hubs: one form each, a code for each refusal, no link that nobody signed',
  maxBytes: 4096,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [...JSON_TOKENS, ...HANDSHAKE_TOKENS],
  seeds: handshakeSeeds,
  run
}
