import { type KeyObject, createHash } from 'node:crypto'
import {
  exactly,
  formatSigned,
  formed,
  forms,
  isSignedBy,
  lineOfText,
  parseSigned,
  readForm,
  signStatement,
  signedBytes,
  textOf,
  verifyingKey,
  whole
} from '../../federation/index.ts'
import type { Form, Signed, StatementKind } from '../../federation/index.ts'
import type { KeyDelegation } from './key-delegation.ts'

/** First line of what a revocation key signs. */
export const REVOCATION_TAG = 'omnigate/revocation/1'
/** What `prev` of the first statement says. */
export const NO_STATEMENT = '0'.repeat(64)
export const MAX_REASON_BYTES = 256
/** The longest line, without its line feed. */
export const MAX_LINE_CHARS = 2048

const MAX_KID = 0xffff_ffff

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

export type SignedRevocation = Signed<RevocationStatement>

const REASON = lineOfText(MAX_REASON_BYTES)
const REVOKED_BY: readonly Form<Revoked>[] = [
  exactly({ cap_id: textOf(/^[0-9a-f]{32}$/, 'the id of a right') }),
  exactly({ kid: whole(1, MAX_KID) }),
  exactly({ subject: textOf(/^[!-~]{1,128}$/, 'a subject') })
]
const REVOKED: Form<Revoked> = (value, path, tell) => {
  const read = REVOKED_BY.map(form => readForm(form, value)).find(one => 'value' in one)
  return read?.value ?? tell(path, 'expected one of cap_id, kid and subject')
}

export const REVOCATION: StatementKind<RevocationStatement> = {
  tag: REVOCATION_TAG,
  maxChars: MAX_LINE_CHARS,
  form: exactly({
    at: whole(0),
    epoch: forms.epoch,
    hub: forms.hub,
    key: forms.hex32,
    prev: forms.hex32,
    reason: REASON,
    revoke: REVOKED,
    seq: whole(1)
  })
}

/** Where a list stands: how many statements it has, and the digest of the last one's line. */
export type ListHead = { readonly seq: number; readonly digest: string }

export const EMPTY_LIST: ListHead = { seq: 0, digest: NO_STATEMENT }

/** A head as a follower remembers it: with the epoch of the last statement, 0 for none. */
export type FollowedHead = ListHead & { readonly epoch: number }

export const NOTHING_FOLLOWED: FollowedHead = { ...EMPTY_LIST, epoch: 0 }

export const signRevocation = (key: KeyObject, statement: RevocationStatement): SignedRevocation =>
  signStatement(REVOCATION, key, statement)

/** A statement as one line, without its line feed: canonical JSON of `signature` (base64) and `statement`. */
export const formatRevocation = (signed: SignedRevocation): string => formatSigned(signed)

/** What the `prev` of the next statement says, and the head of a list that ends with this line. */
export const headOf = (seq: number, line: string): ListHead => ({
  seq,
  digest: createHash('sha256').update(line).digest('hex')
})

/** @throws SyntaxError for any other form than the canonical one. Proves nothing yet: see `revocationProblem`. */
export const parseRevocation = (line: string): SignedRevocation => parseSigned(REVOCATION, line)

/** What stands under `revoke`: one member of three. @throws SyntaxError */
export const revoked = (value: unknown): Revoked => formed(REVOKED, value)

/** One line of bounded length, well-formed. */
export const isReason = (text: string): boolean => 'value' in readForm(REASON, text)

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
