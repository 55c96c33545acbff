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
import { readChallenge, readProof, writeMessage } from './messages.ts'
import type { Challenge, Facts, Proof } from './messages.ts'
import { HANDSHAKE } from './numbers.ts'
import type { Established, Message, Moment, Party, ProofMessage, Step } from './party.ts'
import type { Channel } from './responder.ts'
import { readOr, refused } from './refuse.ts'
import {
  isPairingMac,
  isTranscriptSignedBy,
  pairingMac,
  signTranscript,
  transcriptDigest
} from './transcript.ts'

/** Whom a connection was opened for; `secret` is the SHA-256 of an invite's, for a pairing. */
export interface Dialled extends Channel {
  readonly hub: string
  readonly secret?: Uint8Array
}

/** The initiator's half of one connection's handshake. */
export type Initiator =
  | {
      readonly phase: 'challenge'
      /** Fields 1 to 3 of the transcript. */
      readonly fields: readonly Uint8Array[]
      readonly dueMs: number
      readonly endMs: number
    }
  | {
      readonly phase: 'proof'
      readonly challenge: Challenge
      /** Fields 1 to 6. */
      readonly fields: readonly Uint8Array[]
      readonly ours: Facts | undefined
      readonly skewS: number
      readonly dueMs: number
    }
  | { readonly phase: 'over' }

type Move = Step<Initiator>
const OVER: Initiator = { phase: 'over' }
const text = new TextEncoder()

/** Opens the handshake of a connection: the hello to send. */
export function initiate(party: Party, dialled: Dialled, at: Moment): Move {
  const { peer, nonce } = dialled
  if (peer === party.peerId) return refuse(dialled, problem('same_key', 'the peer id is our own'))
  party.nonces.drew(nonce, at.ms)
  const body = writeMessage(
    {
      algs: [HANDSHAKE.alg],
      boot: party.boot,
      federation: party.federation,
      from: party.peerId,
      nonce,
      time: at.s,
      to: peer,
      versions: [HANDSHAKE.version]
    },
    HANDSHAKE.helloBytes
  )
  return {
    state: {
      phase: 'challenge',
      fields: [text.encode(party.peerId), text.encode(peer), body],
      dueMs: at.ms + HANDSHAKE.stepMs,
      endMs: at.ms + HANDSHAKE.lifetimeMs
    },
    send: { kind: 'hello', body }
  }
}

/** Judges an answer of the responder. After a refusal the connection is to be closed. */
export function proceed(
  party: Party,
  dialled: Dialled,
  state: Initiator,
  message: Message,
  at: Moment
): Move {
  if (state.phase !== message.kind)
    return refuse(dialled, problem('out_of_order', `${message.kind} in phase ${state.phase}`))
  if (at.ms >= state.dueMs) return refuse(dialled, problem('stalled', `the ${state.phase} came late`))
  return message.kind === 'proof'
    ? onProof(party, dialled, state as Initiator & { phase: 'proof' }, message, at)
    : onChallenge(party, dialled, state as Initiator & { phase: 'challenge' }, message.body, at)
}

/** What time alone does: an answer that does not come. */
export const initiatorTick = (dialled: Dialled, state: Initiator, { ms }: Moment): Move =>
  state.phase !== 'over' && ms >= state.dueMs
    ? refuse(dialled, problem('stalled', `no ${state.phase} came`))
    : { state }

/** The responder answered with an error; `code` is what it told. */
export function turnedAway({ peer, hub }: Dialled, state: Initiator, code: string): Move {
  return state.phase === 'over'
    ? { state }
    : { state: OVER, outcome: { kind: 'turned_away', code, peer, hub } }
}

function onChallenge(
  party: Party,
  dialled: Dialled,
  state: Initiator & { phase: 'challenge' },
  body: Uint8Array,
  at: Moment
): Move {
  const { peer, nonce, hub, secret } = dialled
  const read = readOr(() => readChallenge(body))
  if ('bad' in read) return refuse(dialled, read.bad)
  const challenge = read.value
  const { delegation } = challenge
  const skewS = challenge.time - at.s
  const strange = firstOf(
    () => isReflected(challenge, party.peerId),
    () =>
      party.nonces.isOwn(challenge.nonce, at.ms) ? problem('reflected', 'its nonce is ours') : undefined,
    () => isRelayed(challenge, party.peerId, peer),
    () => (challenge.answers === nonce ? undefined : problem('replayed', 'it answers another hello')),
    () => (party.nonces.take(challenge.nonce, at.ms) ? undefined : problem('replayed', 'its nonce was seen')),
    () => choiceProblem(challenge),
    () => extensionProblem(challenge.must),
    () => federationProblem(challenge.federation, party.federation),
    () => (delegation.statement.hub === hub ? undefined : problem('other_hub', delegation.statement.hub))
  )
  if (strange !== undefined) return refuse({ ...dialled, skewS }, strange)
  const ours = secret === undefined ? party.factsFor(hub) : undefined
  if (secret === undefined && ours === undefined)
    return refuse({ ...dialled, skewS }, problem('not_allowlisted', hub))
  const found = firstOf(
    () => delegationKeyProblem(delegation, peer),
    () => revocationProblem(delegation, party),
    () => delegationTimeProblem(delegation, at),
    () => (ours === undefined ? undefined : treatyProblem(ours, 'ours', at))
  )
  if (found !== undefined) return refuse({ ...dialled, skewS }, found)
  return prove(party, dialled, state, { body, challenge, skewS, ours }, at)
}

function choiceProblem({ version, alg }: Challenge): Problem | undefined {
  if (version !== HANDSHAKE.version) return problem('unknown_version', String(version))
  return alg === HANDSHAKE.alg ? undefined : problem('unknown_algorithm', alg)
}

interface Challenged {
  readonly body: Uint8Array
  readonly challenge: Challenge
  readonly skewS: number
  readonly ours: Facts | undefined
}

function prove(
  party: Party,
  { peer, nonce, secret }: Dialled,
  state: Initiator & { phase: 'challenge' },
  { body, challenge, skewS, ours }: Challenged,
  at: Moment
): Move {
  const purpose = secret === undefined ? 'link' : 'pair'
  const proof = writeMessage(
    {
      delegation: party.delegation,
      from: party.peerId,
      to: peer,
      nonces: { initiator: nonce, responder: challenge.nonce },
      purpose,
      role: 'initiator',
      ...(ours !== undefined && { facts: ours })
    },
    HANDSHAKE.proofBytes
  )
  const fields = [...state.fields, body, proof]
  const digest = transcriptDigest(fields)
  const signature = signTranscript(party.key, 'initiator', digest)
  return {
    state: {
      phase: 'proof',
      challenge,
      fields: [...fields, signature],
      ours,
      skewS,
      dueMs: Math.min(at.ms + HANDSHAKE.stepMs, state.endMs)
    },
    send: {
      kind: 'proof',
      purpose,
      body: proof,
      signature,
      ...(secret !== undefined && { mac: pairingMac(secret, 'initiator', digest) })
    }
  }
}

function onProof(
  party: Party,
  dialled: Dialled,
  state: Initiator & { phase: 'proof' },
  message: ProofMessage,
  at: Moment
): Move {
  const { peer, hub, nonce, secret } = dialled
  const { challenge, skewS, ours } = state
  const digest = transcriptDigest([...state.fields, message.body])
  const transcript = Buffer.from(digest).toString('hex')
  const read = readOr(() => readProof(message.body))
  if ('bad' in read) return refuse({ ...dialled, skewS, transcript }, read.bad)
  const proof = read.value
  const found = firstOf(
    () => formProblem(proof, secret === undefined ? 'link' : 'pair'),
    () => isReflected(proof, party.peerId),
    () => (proof.role === 'initiator' ? problem('reflected', 'it is an initiator’s') : undefined),
    () => isRelayed(proof, party.peerId, peer),
    () =>
      proof.nonces.initiator === nonce && proof.nonces.responder === challenge.nonce
        ? undefined
        : problem('replayed', 'its nonces are of another handshake'),
    () => extensionProblem(proof.must),
    () =>
      secret === undefined || isPairingMac(message.mac, secret, 'responder', digest)
        ? undefined
        : problem('wrong_secret', 'the mac does not fit'),
    () =>
      isTranscriptSignedBy(peer, 'responder', digest, message.signature)
        ? undefined
        : problem('wrong_key', 'the signature does not fit'),
    () => (proof.facts === undefined ? undefined : treatyProblem(proof.facts, 'theirs', at))
  )
  if (found !== undefined) return refuse({ ...dialled, skewS, transcript }, found)
  const established: Established = {
    kind: proof.purpose === 'link' ? 'linked' : 'paired',
    role: 'initiator',
    hub,
    peer,
    delegation: challenge.delegation,
    boot: challenge.boot,
    version: challenge.version,
    alg: challenge.alg,
    transcript,
    skewS,
    ...(ours !== undefined && proof.facts !== undefined && { facts: { theirs: proof.facts, ours } })
  }
  return { state: OVER, outcome: established }
}

const formProblem = ({ purpose }: Proof, asked: Proof['purpose']): Problem | undefined =>
  purpose === asked ? undefined : problem('malformed', `purpose ${purpose}, asked was ${asked}`)

interface Seen {
  readonly peer: string
  readonly hub: string
  readonly skewS?: number
  readonly transcript?: string
}

const refuse = ({ peer, hub, skewS, transcript }: Seen, found: Problem): Move => ({
  state: OVER,
  outcome: refused(found, { role: 'initiator', peer, hub, skewS, transcript })
})
