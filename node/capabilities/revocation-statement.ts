import { type KeyObject, createHash } from 'node:crypto'
import {
  SIGNATURE_BYTES,
  canonicalJson,
  isSignedBy,
  signBytes,
  signedBytes,
  verifyingKey
} from '../../federation/index.ts'
import type { KeyDelegation } from './key-delegation.ts'
import { exactly, matching, whole } from './strict-json.ts'

/** First line of what a revocation key signs. */
export const REVOCATION_TAG = 'omnigate/revocation/1'
/** What `prev` of the first statement says. */
export const NO_STATEMENT = '0'.repeat(64)
export const MAX_REASON_BYTES = 256
/** The longest line, without its line feed. */
export const MAX_LINE_CHARS = 2048

const MAX_KID = 0xffff_ffff
const CAP_ID = /^[0-9a-f]{32}$/
const SUBJECT = /^[!-~]{1,128}$/
const REASON = /^\P{Cc}*$/u

/** What is refused from now on: one right, all that was minted under one root key, or all that one subject holds. */
export type Revoked = { readonly cap_id: string } | { readonly kid: number } | { readonly subject: string }

/** A hub's word that it takes something back. @see specs/revocation.md */
export type RevocationStatement = {
  /** Whole seconds since 1970; never before that of the statement before it. */
  readonly at: number
  /** Of the delegation of `key`. */
  readonly epoch: number
  readonly hub: string
  /** The Ed25519 public key that signs this, in hex. */
  readonly key: string
  /** The digest of the line before it, or `NO_STATEMENT`. */
  readonly prev: string
  /** For people; may be empty. */
  readonly reason: string
  readonly revoke: Revoked
  /** Counts from 1 without gaps. */
  readonly seq: number
}

export interface SignedRevocation {
  readonly statement: RevocationStatement
  readonly signature: Uint8Array
}

/** Where a list stands: how many statements it has, and the digest of the last one's line. */
export type ListHead = { readonly seq: number; readonly digest: string }

export const EMPTY_LIST: ListHead = { seq: 0, digest: NO_STATEMENT }

/** A head as a follower remembers it: with the epoch of the last statement, 0 for none. */
export type FollowedHead = ListHead & { readonly epoch: number }

export const NOTHING_FOLLOWED: FollowedHead = { ...EMPTY_LIST, epoch: 0 }

export function signRevocation(key: KeyObject, statement: RevocationStatement): SignedRevocation {
  return { statement, signature: signBytes(key, signedBytes(REVOCATION_TAG, statement)) }
}

/** A statement as one line, without its line feed: canonical JSON of `signature` (base64) and `statement`. */
export function formatRevocation({ statement, signature }: SignedRevocation): string {
  return canonicalJson({ signature: Buffer.from(signature).toString('base64'), statement })
}

/** What the `prev` of the next statement says, and the head of a list that ends with this line. */
export const headOf = (seq: number, line: string): ListHead => ({
  seq,
  digest: createHash('sha256').update(line).digest('hex')
})

/** @throws SyntaxError for any other form than the canonical one. Proves nothing yet: see `revocationProblem`. */
export function parseRevocation(line: string): SignedRevocation {
  if (line.length > MAX_LINE_CHARS) throw new SyntaxError(`longer than ${MAX_LINE_CHARS} characters`)
  const { statement, signature } = exactly(JSON.parse(line), ['signature', 'statement'])
  const names = ['at', 'epoch', 'hub', 'key', 'prev', 'reason', 'revoke', 'seq']
  const members = exactly(statement, names)
  const revocation: SignedRevocation = {
    statement: {
      at: whole(members, 'at', 0),
      epoch: whole(members, 'epoch', 1),
      hub: matching(members, 'hub', /^h1[a-z2-7]{52}$/),
      key: matching(members, 'key', /^[0-9a-f]{64}$/),
      prev: matching(members, 'prev', /^[0-9a-f]{64}$/),
      reason: matching(members, 'reason', REASON),
      revoke: revoked(members['revoke']),
      seq: whole(members, 'seq', 1)
    },
    signature: Buffer.from(typeof signature === 'string' ? signature : '', 'base64')
  }
  if (!isReason(revocation.statement.reason)) throw new SyntaxError('reason: too long')
  if (revocation.signature.length !== SIGNATURE_BYTES)
    throw new SyntaxError('signature: expected 64 bytes in base64')
  if (formatRevocation(revocation) !== line) throw new SyntaxError('not canonical JSON')
  return revocation
}

/** What stands under `revoke`: one member of three. @throws SyntaxError */
export function revoked(value: unknown): Revoked {
  const [name = '', ...more] = Object.keys(value ?? {})
  const members = value as Readonly<Record<string, unknown>>
  if (more.length === 0) {
    if (name === 'cap_id') return { cap_id: matching(members, name, CAP_ID) }
    if (name === 'kid') return { kid: whole(members, name, 1, MAX_KID) }
    if (name === 'subject') return { subject: matching(members, name, SUBJECT) }
  }
  throw new SyntaxError('revoke: one of cap_id, kid and subject')
}

/** One line of bounded length, well-formed. */
export const isReason = (text: string): boolean =>
  REASON.test(text) && text.isWellFormed() && Buffer.byteLength(text) <= MAX_REASON_BYTES

/**
 * Where a follower goes on, by all delegations that the hub has made: at its head, or before everything. The latter is
 * so when the head is of a list that a replaced key made; what was taken from that list is to be forgotten.
 */
export function followFrom(head: FollowedHead, delegations: readonly KeyDelegation[]): FollowedHead {
  const isFork = delegations.some(
    ({ statement: { epoch, after } }) => epoch > head.epoch && after !== undefined && isBeyond(head, after)
  )
  return isFork ? NOTHING_FOLLOWED : head
}

/**
 * The delegation by which a statement is to be judged, of all that its hub has made; undefined for an epoch that has
 * none, or that is over: because the statement before it is of a later one, or because a later delegation says that the
 * key had been replaced before this place in the list, or with another statement here.
 */
export function delegationFor(
  signed: SignedRevocation,
  delegations: readonly KeyDelegation[],
  lastEpoch: number
): KeyDelegation | undefined {
  const { epoch, seq } = signed.statement
  if (epoch < lastEpoch) return undefined
  const head = headOf(seq, formatRevocation(signed))
  const fits = delegations.every(({ statement: { epoch: other, after } }) => {
    if (after === undefined) return true
    return epoch < other ? !isBeyond(head, after) : epoch > other || isBehind(signed, after)
  })
  return fits ? delegations.find(({ statement }) => statement.epoch === epoch) : undefined
}

/** Of no list that stood at `after`, when it ends under an earlier key. */
const isBeyond = ({ seq, digest }: ListHead, after: ListHead): boolean =>
  seq > after.seq || (seq === after.seq && digest !== after.digest)

const isBehind = ({ statement: { seq, prev } }: SignedRevocation, after: ListHead): boolean =>
  seq > after.seq + 1 || (seq === after.seq + 1 && prev === after.digest)

/**
 * Why a statement is not the next word of a hub after `before`, or undefined when it is. Whoever follows a hub holds
 * its delegation, which they have judged with `keyDelegationProblem`, and the head that they have seen last.
 */
export function revocationProblem(
  { statement, signature }: SignedRevocation,
  before: ListHead,
  { statement: delegated }: KeyDelegation
): string | undefined {
  const { at, epoch, hub, key, prev, seq } = statement
  if (hub !== delegated.hub) return `made by hub ${hub}, not by ${delegated.hub}`
  if (key !== delegated.key || epoch !== delegated.epoch) return 'not by the delegated key'
  if (at < delegated.not_before || at > delegated.not_after) return 'made outside the time of its delegation'
  if (seq !== before.seq + 1) return `statement ${seq} where ${before.seq + 1} was expected`
  if (prev !== before.digest) return `statement ${seq} follows another one than ${before.seq}`
  return isSignedBy(verifyingKey(Buffer.from(key, 'hex')), signedBytes(REVOCATION_TAG, statement), signature)
    ? undefined
    : `statement ${seq} is not signed by its key`
}
