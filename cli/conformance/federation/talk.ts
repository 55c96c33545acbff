import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { parseJson, decodeRecord } from '../../../protocols/index.ts'
import type { DecodedFrame, VectorFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'
import { canonical } from './canonical.ts'
import { hubKeyOf, isSigned, peerKeyOf, signed } from './keys.ts'
import type { RunnerHub } from './keys.ts'

export const FEDERATION_APP = 0x0501
export const ALG = 'ed25519-sha256'
const VERSION = 1
const DAY_S = 86_400
const HEX_NONCE = /^[0-9a-f]{64}$/

/** Who shakes hands: the runner, as its dialer's peer id and key say, and the node under test. */
export interface Parties {
  readonly self: string
  readonly key: KeyObject
  readonly node: string
  readonly federation: string
  /** A hub that the node allows. */
  readonly hub: RunnerHub
  /** Drawn once: another one would be another start of the runner's node. */
  readonly boot: string
  readonly nowS: number
}

type Members = Readonly<Record<string, unknown>>

/** The text of a member; empty where there is none. */
export function textIn(object: Members, name: string): string {
  const value = object[name]
  return typeof value === 'string' ? value : ''
}

export const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

export const corrOf = (n: number): string => n.toString(16).padStart(16, '0')

/** A call of the federation service. */
export const call = (n: number, header: Members, body?: Uint8Array): VectorFrame => ({
  flags: ['REQ', 'START', 'END'],
  app: FEDERATION_APP,
  corr_id: corrOf(n),
  payload: {
    record: {
      header: { utf8: JSON.stringify(header) },
      ...(body && { body: Buffer.from(body).toString('hex') })
    }
  }
})

export const refused = (n: number, status: number, code: string, app: number = FEDERATION_APP): Step => ({
  expect: { flags: ['RESP', 'END'], app, corr_id: corrOf(n), code: status, reason: code }
})

/** A call for which any record of no members is answered. */
export const answered = (n: number): Step => ({
  expect: { flags: ['RESP', 'START', 'END'], corr_id: corrOf(n), code: 0 }
})

/** How a proof is to be wrong. */
export interface ProofChange {
  readonly members?: Members
  readonly facts?: Members
  readonly nonces?: Members
  readonly hub?: RunnerHub
  readonly statement?: Members
  /** Signs the delegation in the place of its hub. */
  readonly delegating?: KeyObject
  /** Signs the transcript in the place of the runner's node. */
  readonly signing?: KeyObject
  /** K of an invite: the proof is for a pairing, and shows that it is known. */
  readonly pairing?: Uint8Array
  /** Other bytes in the place of the proof. */
  readonly body?: (proof: Buffer) => Buffer
}

/** One handshake as its initiator leads it, step by step. @see specs/federation-handshake.md */
export class Talk {
  readonly #parties: Parties
  readonly helloBytes: Buffer
  readonly #nonce = hex(32)
  #challengeBytes: Buffer = Buffer.alloc(0)
  #sent: { readonly body: Buffer; readonly signature: Buffer; readonly pairing?: Uint8Array } | undefined

  constructor(parties: Parties, changes: Members = {}) {
    this.#parties = parties
    this.helloBytes = Buffer.from(canonical({ ...helloMembers(parties, this.#nonce), ...changes }))
  }

  /** The nonce of the challenge. */
  get theirNonce(): string {
    return textIn(parseJson(this.#challengeBytes), 'nonce')
  }

  /** The hub id that the challenge shows. */
  get theirHub(): string {
    const { statement } = parseJson(this.#challengeBytes)['delegation'] as { statement: Members }
    return textIn(statement, 'hub')
  }

  /** The hello, its bytes changed. */
  hello(n = 1, change: (hello: Buffer) => Buffer = bytes => bytes): Step {
    return { send: call(n, { op: 'hello' }, change(this.helloBytes)) }
  }

  challenged(n = 1): Step {
    return {
      expect_such: {
        corr_id: corrOf(n),
        words: 'a challenge that answers the hello',
        fault: frames => this.challengeFault(bytesOf(frames))
      }
    }
  }

  proof(n = 2, change: ProofChange = {}): Step {
    return { send_after: () => this.proofCall(n, change) }
  }

  proofCall(n: number, change: ProofChange = {}): VectorFrame {
    const bytes = Buffer.from(canonical(this.#proofMembers(change)))
    const body = change.body?.(bytes) ?? bytes
    const digest = transcript([...this.#fields(), body])
    const key = change.signing ?? this.#parties.key
    const signature = signed(key, 'omnigate/handshake-initiator/1\n', digest)
    const { pairing } = change
    this.#sent = { body, signature, ...(pairing && { pairing }) }
    const said = { signature: signature.toString('hex') }
    if (pairing === undefined) return call(n, { op: 'prove', ...said }, body)
    return call(n, { op: 'pair', ...said, mac: macOf(pairing, 'initiator', digest) }, body)
  }

  linked(n = 2): Step {
    return {
      expect_such: {
        corr_id: corrOf(n),
        words: "the responder's proof",
        fault: frames => this.#proofFault(bytesOf(frames))
      }
    }
  }

  /** All of it, over calls n and n + 1. */
  all(n = 1, change: ProofChange = {}): Step[] {
    return [this.hello(n), this.challenged(n), this.proof(n + 1, change), this.linked(n + 1)]
  }

  /** What is wrong with a challenge; it is the one that counts from now on. */
  challengeFault(bytes: Buffer): string | undefined {
    const { self, node, federation, nowS } = this.#parties
    if (bytes.length > 4096) return `${bytes.length} bytes`
    const challenge = parseJson(bytes)
    if (canonical(challenge) !== bytes.toString()) return 'not canonical'
    this.#challengeBytes = bytes
    const wanted = { alg: ALG, answers: this.#nonce, federation, from: node, to: self, version: VERSION }
    return (
      differs(challenge, wanted) ??
      (HEX_NONCE.test(textIn(challenge, 'nonce')) ? undefined : 'a nonce of another form') ??
      delegationFault(challenge['delegation'], node, nowS)
    )
  }

  #proofFault(payload: Buffer): string | undefined {
    const { self, node } = this.#parties
    const { header, body } = decodeRecord(payload)
    const bytes = Buffer.from(body)
    const proof = parseJson(bytes)
    if (canonical(proof) !== bytes.toString()) return 'not canonical'
    const nonces = { initiator: this.#nonce, responder: this.theirNonce }
    const { body: sent, signature: own, pairing } = this.#sent!
    const purpose = pairing === undefined ? 'link' : 'pair'
    const wanted = { from: node, to: self, nonces, purpose, role: 'responder' }
    const digest = transcript([...this.#fields(), sent, own, bytes])
    const signature = Buffer.from(textIn(header, 'signature'), 'hex')
    return (
      differs(proof, wanted) ??
      ('delegation' in proof ? 'a delegation' : undefined) ??
      (pairing === undefined ? factsFault(proof['facts']) : pairingFault(proof, header, pairing, digest)) ??
      (isSigned(peerKeyOf(node), signature, 'omnigate/handshake-responder/1\n', digest)
        ? undefined
        : 'a signature that does not fit')
    )
  }

  #fields(): Buffer[] {
    const { self, node } = this.#parties
    return [Buffer.from(self), Buffer.from(node), this.helloBytes, this.#challengeBytes]
  }

  #proofMembers({ members, facts, nonces, hub, statement, delegating, pairing }: ProofChange): Members {
    const { self, node } = this.#parties
    const by = hub ?? this.#parties.hub
    return {
      delegation: delegation(this.#parties, by, statement, delegating),
      ...(pairing === undefined && { facts: { revocation_seq: 0, treaty: LEAST_TREATY, ...facts } }),
      from: self,
      nonces: { initiator: this.#nonce, responder: this.theirNonce, ...nonces },
      purpose: pairing === undefined ? 'link' : 'pair',
      role: 'initiator',
      to: node,
      ...members
    }
  }
}

/** What the runner grants: nothing. */
export const LEAST_TREATY = {
  classes: [],
  quotas: { bytes_per_s: 1_048_576, calls_per_s: 1, streams: 1 },
  rows: [],
  verbs: [],
  window_s: 604_800,
  witness: false
}

const helloMembers = ({ self, node, federation, boot, nowS }: Parties, nonce: string): Members => ({
  algs: [ALG],
  boot,
  federation,
  from: self,
  nonce,
  time: nowS,
  to: node,
  versions: [VERSION]
})

/** A delegation of the runner's node by a hub. */
export function delegation(
  { self, boot, nowS }: Parties,
  hub: RunnerHub,
  changes: Members = {},
  key: KeyObject = hub.key
): Members {
  // Two delegations of one place that differ would be proof against the hub.
  const name = `conformance-${Object.keys(changes).length === 0 ? boot.slice(0, 8) : hex(4)}`
  const statement = {
    epoch: 1,
    hub: hub.id,
    node: name,
    not_after: nowS + DAY_S,
    not_before: nowS - DAY_S,
    peer_id: self,
    role: 'link',
    ...changes
  }
  const signature = signed(key, 'omnigate/delegation/1\n', canonical(statement))
  return { signature: signature.toString('base64'), statement }
}

/** The line by which a hub revokes the key of a peer id. @see specs/federation-links.md, section 5 */
export function revocationLine({ hub, nowS }: Parties, peerId: string): string {
  const key = Buffer.from(peerKeyOf(peerId)).toString('hex')
  const statement = { at: nowS, hub: hub.id, key, reason: 'conformance' }
  const signature = signed(hub.key, 'omnigate/key-revocation/1\n', canonical(statement))
  return `${canonical({ signature: signature.toString('base64'), statement })}\n`
}

function transcript(fields: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update('omnigate/handshake-transcript/1\n')
  for (const field of fields) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(field.length)
    hash.update(length).update(field)
  }
  return hash.digest()
}

const bytesOf = (frames: readonly DecodedFrame[]): Buffer =>
  Buffer.concat(frames.map(({ payload }) => payload))

function differs(found: Members, wanted: Members): string | undefined {
  const other = Object.keys(wanted).find(name => canonical(found[name] ?? null) !== canonical(wanted[name]))
  return other === undefined ? undefined : `${other}: ${JSON.stringify(found[other])}`
}

function delegationFault(value: unknown, node: string, nowS: number): string | undefined {
  const { signature, statement } = value as { signature: string; statement: Members }
  const { hub, not_before: from, not_after: to } = statement
  const wanted = differs(statement, { peer_id: node, role: 'link' })
  if (wanted !== undefined) return `a delegation whose ${wanted}`
  if (nowS < Number(from) - 60 || nowS > Number(to) + 60) return 'a delegation that has ended'
  const bytes = Buffer.from(signature, 'base64')
  const isSo = isSigned(hubKeyOf(String(hub)), bytes, 'omnigate/delegation/1\n', canonical(statement))
  return isSo ? undefined : 'a delegation that its hub did not sign'
}

function factsFault(value: unknown): string | undefined {
  const { revocation_seq: seq, treaty } = value as { revocation_seq: unknown; treaty: Members }
  if (!Number.isSafeInteger(seq) || Number(seq) < 0) return `revocation_seq: ${JSON.stringify(seq)}`
  const absent = Object.keys(LEAST_TREATY).find(name => !(name in treaty))
  if (absent !== undefined) return `a treaty without ${absent}`
  return JSON.stringify(treaty['rows']).includes('"tenant"') ? 'a treaty that names a tenant' : undefined
}

function pairingFault(proof: Members, header: Members, key: Uint8Array, digest: Buffer): string | undefined {
  if ('facts' in proof) return 'facts, which a pairing has none of'
  return textIn(header, 'mac') === macOf(key, 'responder', digest) ? undefined : 'a mac that does not fit'
}

const macOf = (key: Uint8Array, role: 'initiator' | 'responder', digest: Uint8Array): string =>
  createHmac('sha256', key).update(`omnigate/pair-${role}/1\n`).update(digest).digest('hex')

/** What a proven peer is granted, out of the answer that has the responder's proof. */
export function grantIn(answer: Uint8Array): Members {
  const { facts } = parseJson(decodeRecord(answer).body)
  return (facts as { treaty: Members }).treaty
}
