import type { KeyObject } from 'node:crypto'
import type { Delegation, LinkStatement } from '../delegation.ts'
import type { Facts, Purpose, Side } from './messages.ts'
import type { NonceMemory } from './nonces.ts'
import type { RefusalCode } from './refusals.ts'

/** A node that takes part in handshakes: what it is, and what it knows of others. */
export interface Party {
  readonly peerId: string
  /** The libp2p key of `peerId`. */
  readonly key: KeyObject
  readonly delegation: Delegation
  /** Drawn when the node started, 32 hex digits. */
  readonly boot: string
  readonly federation: string
  /** One for all handshakes of the node. */
  readonly nonces: NonceMemory
  /** What a hub on the allowlist is told; undefined for every other, and for the node's own. */
  readonly factsFor: (hub: string) => Facts | undefined
  /** Whether the delegation, its node's key or its hub is revoked. */
  readonly isRevoked: (statement: LinkStatement) => boolean
  /** SHA-256 of the secret of the invite that is open at this node. */
  readonly openInvite: () => Uint8Array | undefined
}

/** Now, by a clock that never goes back (milliseconds) and by that on the wall (Unix seconds). */
export interface Moment {
  readonly ms: number
  readonly s: number
}

/** What one side sends: the body of a call or its answer, and what travels beside it. */
export type Message =
  | { readonly kind: 'hello'; readonly body: Uint8Array }
  | { readonly kind: 'challenge'; readonly body: Uint8Array }
  | ProofMessage

export interface ProofMessage {
  readonly kind: 'proof'
  /** That of the call, `prove` or `pair`. */
  readonly purpose: Purpose
  readonly body: Uint8Array
  readonly signature: Uint8Array
  readonly mac?: Uint8Array | undefined
}

/** A peer that has proved itself. */
export interface Established {
  readonly kind: 'linked' | 'paired'
  readonly role: Side
  readonly hub: string
  readonly peer: string
  readonly delegation: Delegation
  readonly boot: string
  readonly version: number
  readonly alg: string
  /** The transcript id, in hex; the same on both sides. */
  readonly transcript: string
  /** The peer's clock less ours, in seconds; over 60 either way is to be told to the operator. */
  readonly skewS: number
  /** SHA-256 of the secret of the invite that the peer proved to know; at the responder of a pairing alone. */
  readonly invite?: Uint8Array
  /** What the peer said and what it was told; with a link alone. */
  readonly facts?: { readonly theirs: Facts; readonly ours: Facts }
}

/** What the audit log is to say, and what is answered. */
export interface Refused {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly role: Side
  /** As the channel proved it. */
  readonly peer: string
  /** What the peer claims, or was dialled for. */
  readonly hub?: string
  readonly transcript?: string
  readonly skewS?: number
  /** For the operator of this node alone. */
  readonly detail: string
  /** Milliseconds after the message came before which no answer leaves. */
  readonly holdMs: number
}

/** The responder refused: `code` is what it told. */
export interface TurnedAway {
  readonly kind: 'turned_away'
  readonly code: string
  readonly peer: string
  readonly hub: string
}

export type Outcome = Established | Refused | TurnedAway

/** What came of a message or of time: the state to go on with, what to send, what is to be known. */
export interface Step<State> {
  readonly state: State
  readonly send?: Message
  readonly outcome?: Outcome
}
