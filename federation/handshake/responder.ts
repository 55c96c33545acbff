import {
  delegationKeyProblem,
  delegationTimeProblem,
  extensionProblem,
  federationProblem,
  firstOf,
  isReflected,
  isRelayed,
  problem,
  revocationProblem,
  treatyProblem
} from './judgement.ts'
import type { Problem } from './judgement.ts'
import type { Delegation } from '../delegation.ts'
import { readHello, readProof, writeMessage } from './messages.ts'
import type { Facts, Hello, Proof } from './messages.ts'
import { HANDSHAKE } from './numbers.ts'
import type { Established, Message, Moment, Party, ProofMessage, Step } from './party.ts'
import { readOr, refused } from './refuse.ts'
import {
  isPairingMac,
  isTranscriptSignedBy,
  pairingMac,
  signTranscript,
  transcriptDigest
} from './transcript.ts'

/** The responder's half of one connection's handshake. */
export type Responder =
  | { readonly phase: 'hello' }
  | {
      readonly phase: 'proof'
      readonly hello: Hello
      readonly nonce: string
      /** Fields 1 to 4 of the transcript. */
      readonly fields: readonly Uint8Array[]
      readonly skewS: number
      readonly dueMs: number
    }
  | { readonly phase: 'over' }

/** What the channel proved, and the nonce that was drawn for it. */
export interface Channel {
  readonly peer: string
  /** 64 hex digits, for this connection alone. */
  readonly nonce: string
}

type Answer = Step<Responder>
const OVER: Responder = { phase: 'over' }
const text = new TextEncoder()

/** A responder that waits for the hello of a connection. */
export const newResponder = (): Responder => ({ phase: 'hello' })

/** Judges a message of the initiator. A refusal ends a handshake under way; one that is over stays as it ended. */
export function respond(
  party: Party,
  channel: Channel,
  state: Responder,
  message: Message,
  at: Moment
): Answer {
  if (state.phase !== 'hello' && message.kind === 'hello')
    return refuse(channel, problem('second_handshake', `in phase ${state.phase}`))
  if (state.phase === 'hello' && message.kind === 'hello') return onHello(party, channel, message.body, at)
  if (state.phase === 'proof' && message.kind === 'proof') {
    return at.ms >= state.dueMs
      ? refuse(channel, problem('stalled', 'the proof came late'))
      : onProof(party, channel, state, message, at)
  }
  return refuse(channel, problem('out_of_order', `${message.kind} in phase ${state.phase}`))
}

/** What time alone does: a proof that does not come. */
export const responderTick = (channel: Channel, state: Responder, { ms }: Moment): Answer =>
  state.phase === 'proof' && ms >= state.dueMs
    ? refuse(channel, problem('stalled', 'no proof came'))
    : { state }

function onHello(party: Party, { peer, nonce }: Channel, body: Uint8Array, at: Moment): Answer {
  if (peer === party.peerId) return refuse({ peer }, problem('same_key', 'the peer id is our own'))
  const read = readOr(() => readHello(body))
  if ('bad' in read) return refuse({ peer }, read.bad)
  const hello = read.value
  const skewS = hello.time - at.s
  const found = firstOf(
    () => isReflected(hello, party.peerId),
    () => (party.nonces.isOwn(hello.nonce, at.ms) ? problem('reflected', 'its nonce is ours') : undefined),
    () => isRelayed(hello, party.peerId, peer),
    () => (party.nonces.take(hello.nonce, at.ms) ? undefined : problem('replayed', 'its nonce was seen')),
    () => choiceProblem(hello),
    () => extensionProblem(hello.must),
    () => federationProblem(hello.federation, party.federation)
  )
  if (found !== undefined) return refuse({ peer, skewS }, found)
  party.nonces.drew(nonce, at.ms)
  const challenge = writeMessage(
    {
      alg: HANDSHAKE.alg,
      answers: hello.nonce,
      boot: party.boot,
      delegation: party.delegation,
      federation: party.federation,
      from: party.peerId,
      nonce,
      time: at.s,
      to: peer,
      version: HANDSHAKE.version
    },
    HANDSHAKE.challengeBytes
  )
  return {
    state: {
      phase: 'proof',
      hello,
      nonce,
      fields: [text.encode(peer), text.encode(party.peerId), body, challenge],
      skewS,
      dueMs: at.ms + HANDSHAKE.stepMs
    },
    send: { kind: 'challenge', body: challenge }
  }
}

function choiceProblem({ versions, algs }: Hello): Problem | undefined {
  if (!versions.includes(HANDSHAKE.version)) return problem('unknown_version', versions.join(', '))
  return algs.includes(HANDSHAKE.alg) ? undefined : problem('unknown_algorithm', algs.join(', '))
}

function onProof(
  party: Party,
  channel: Channel,
  state: Responder & { phase: 'proof' },
  message: ProofMessage,
  at: Moment
): Answer {
  const { peer } = channel
  const isPairing = message.purpose === 'pair'
  const secret = isPairing ? party.openInvite() : undefined
  if (isPairing && secret === undefined)
    return refuse({ peer, skewS: state.skewS }, problem('no_invite', 'a pairing was asked for'))
  const read = readOr(() => readProof(message.body))
  if ('bad' in read) return refuse({ peer, skewS: state.skewS }, read.bad)
  const proof = read.value
  const { delegation } = proof
  const hub = delegation?.statement.hub
  const seen = { peer, hub, skewS: state.skewS }
  const strange = firstOf(
    () => formProblem(proof, message),
    () => isReflected(proof, party.peerId),
    () => (proof.role === 'responder' ? problem('reflected', 'it is a responder’s') : undefined),
    () => isRelayed(proof, party.peerId, peer),
    () => nonceProblem(proof, state),
    () => extensionProblem(proof.must)
  )
  if (strange !== undefined || delegation === undefined)
    return refuse(seen, strange ?? problem('malformed', 'no delegation'))
  const ours = isPairing ? undefined : party.factsFor(delegation.statement.hub)
  if (!isPairing && ours === undefined) return refuse(seen, problem('not_allowlisted', String(hub)))
  const digest = transcriptDigest([...state.fields, message.body])
  const found = firstOf(
    () => macProblem(message, secret, digest),
    () => delegationKeyProblem(delegation, peer),
    () => signatureProblem(message, peer, digest),
    () => revocationProblem(delegation, party),
    () => delegationTimeProblem(delegation, at),
    () => (proof.facts === undefined ? undefined : treatyProblem(proof.facts, 'theirs', at)),
    () => (ours === undefined ? undefined : treatyProblem(ours, 'ours', at))
  )
  if (found !== undefined) return refuse(seen, found)
  return prove(party, channel, state, { message, proof, delegation, ours, secret })
}

interface Proven {
  readonly message: ProofMessage
  readonly proof: Proof
  readonly delegation: Delegation
  readonly ours: Facts | undefined
  readonly secret: Uint8Array | undefined
}

function prove(
  party: Party,
  { peer }: Channel,
  state: Responder & { phase: 'proof' },
  { message, proof, delegation, ours, secret }: Proven
): Answer {
  const body = writeMessage(
    {
      from: party.peerId,
      to: peer,
      nonces: proof.nonces,
      purpose: proof.purpose,
      role: 'responder',
      ...(ours !== undefined && { facts: ours })
    },
    HANDSHAKE.proofBytes
  )
  const digest = transcriptDigest([...state.fields, message.body, message.signature, body])
  const established: Established = {
    kind: proof.purpose === 'link' ? 'linked' : 'paired',
    role: 'responder',
    hub: delegation.statement.hub,
    peer,
    delegation,
    boot: state.hello.boot,
    version: HANDSHAKE.version,
    alg: HANDSHAKE.alg,
    transcript: Buffer.from(digest).toString('hex'),
    skewS: state.skewS,
    ...(secret !== undefined && { invite: secret }),
    ...(ours !== undefined && proof.facts !== undefined && { facts: { theirs: proof.facts, ours } })
  }
  const send: ProofMessage = {
    kind: 'proof',
    purpose: proof.purpose,
    body,
    signature: signTranscript(party.key, 'responder', digest),
    ...(secret !== undefined && { mac: pairingMac(secret, 'responder', digest) })
  }
  return { state: OVER, send, outcome: established }
}

const formProblem = ({ purpose }: Proof, message: ProofMessage): Problem | undefined =>
  purpose === message.purpose ? undefined : problem('malformed', `purpose ${purpose} in the other call`)

const nonceProblem = ({ nonces }: Proof, { hello, nonce }: { hello: Hello; nonce: string }) =>
  nonces.initiator === hello.nonce && nonces.responder === nonce
    ? undefined
    : problem('replayed', 'its nonces are of another handshake')

const macProblem = (
  { mac }: ProofMessage,
  secret: Uint8Array | undefined,
  digest: Uint8Array
): Problem | undefined =>
  secret === undefined || isPairingMac(mac, secret, 'initiator', digest)
    ? undefined
    : problem('wrong_secret', 'the mac does not fit')

const signatureProblem = (
  { signature }: ProofMessage,
  peer: string,
  digest: Uint8Array
): Problem | undefined =>
  isTranscriptSignedBy(peer, 'initiator', digest, signature)
    ? undefined
    : problem('wrong_key', 'the signature does not fit')

interface Seen {
  readonly peer: string
  readonly hub?: string | undefined
  readonly skewS?: number
}

const refuse = ({ peer, hub, skewS }: Seen, found: Problem): Answer => ({
  state: OVER,
  outcome: refused(found, { role: 'responder', peer, hub, skewS })
})
