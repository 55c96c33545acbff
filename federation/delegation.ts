import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CLOCK_SKEW_S } from '../protocols/index.ts'
import { signedBytes } from './canonical.ts'
import { SIGNATURE_BYTES, isSignedBy, isUsablePublicKey, verifyingKey } from './ed25519.ts'
import { type Form, exactly, oneOf, whole } from './form.ts'
import { forms } from './forms.ts'
import { hubPublicKey } from './hub-id.ts'
import { peerPublicKey } from './peer-key.ts'
import { remembered } from './remembered.ts'
import { type Signed, type StatementKind, formatSigned, parseSigned, signStatement } from './statement.ts'

/** First line of a delegation as it is signed. */
export const DELEGATION_TAG = 'omnigate/delegation/1'
/** The roles of a key that a hub key lets sign. @see specs/federation-links.md, section 4 */
export const ROLES = [
  'link',
  'message',
  'receipt',
  'revocation',
  'log',
  'witness',
  'snapshot',
  'manifest'
] as const
export type Role = (typeof ROLES)[number]

const MAX_CHARS = 4096
/** Delegations whose signature is known to fit: two of each hub that an allowlist has. */
const MOST_PROVEN = 2048

/** Times are whole seconds since 1970. */
type Common<R> = {
  /** Counts per hub, node name and role, from 1. */
  readonly epoch: number
  readonly hub: string
  readonly node: string
  readonly not_after: number
  readonly not_before: number
  readonly role: R
}

/** A hub's word that a libp2p peer is one of its nodes. */
export type LinkStatement = Common<'link'> & { readonly peer_id: string }

/** A hub's word that an Ed25519 public key, in hex, signs for one of its nodes. */
export type KeyStatement<R extends Exclude<Role, 'link'> = Exclude<Role, 'link'>> = Common<R> & {
  readonly key: string
}

/** Where a list of revocations stands. @see specs/revocation.md, section 3.2 */
export type ListPlace = { readonly digest: string; readonly seq: number }

/** A hub's word that a key signs its revocations. */
export type RevocationKeyStatement = KeyStatement<'revocation'> & {
  /** Where the list stood when this key replaced the one before: what that one signed further on is nobody's word. */
  readonly after?: ListPlace
}

export type DelegationStatement<R extends Role = Role> = R extends 'link'
  ? LinkStatement
  : R extends 'revocation'
    ? RevocationKeyStatement
    : KeyStatement<Extract<R, Exclude<Role, 'link'>>>

export type Delegation<R extends Role = 'link'> = Signed<DelegationStatement<R>>

const COMMON = {
  epoch: forms.epoch,
  hub: forms.hub,
  node: forms.nodeName,
  not_after: forms.seconds,
  not_before: forms.seconds,
  role: oneOf(...ROLES)
}
const WITH_KEY = { ...COMMON, key: forms.hex32 }
const PLACE = exactly({ digest: forms.hex32, seq: whole(0) })

const key = exactly(WITH_KEY)
const FORMS: { readonly [R in Role]: Form<unknown> } = {
  link: exactly({ ...COMMON, peer_id: forms.peerId }),
  message: key,
  receipt: key,
  revocation: exactly(WITH_KEY, { after: PLACE }),
  log: key,
  witness: key,
  snapshot: key,
  manifest: key
}

/** Delegations of every role. */
export const DELEGATION: StatementKind<DelegationStatement> = {
  tag: DELEGATION_TAG,
  maxChars: MAX_CHARS,
  form(value, path, tell) {
    const role = (value as { readonly role?: unknown } | null | undefined)?.role
    const form = ROLES.includes(role as Role) ? FORMS[role as Role] : exactly(COMMON)
    return form(value, path, tell) as DelegationStatement | undefined
  }
}

/** The statement signed with the hub key. */
export const delegate = <R extends Role>(
  hubKey: KeyObject,
  statement: DelegationStatement<R>
): Delegation<R> => signStatement(DELEGATION, hubKey, statement as DelegationStatement) as Delegation<R>

/** The text of a delegation's file: its line and a line feed. */
export const formatDelegation = (delegation: Delegation<Role>): string => `${formatSigned(delegation)}\n`

/**
 * Reads what `formatDelegation` writes of one role, `link` if none is named, and only that form, so that no two texts
 * stand for one delegation.
 * @throws SyntaxError saying what is wrong. Proves nothing yet: see `delegationProblem`.
 */
export function parseDelegation<R extends Role>(text: string, role: R): Delegation<R>
export function parseDelegation(text: string): Delegation
export function parseDelegation(text: string, role: Role = 'link'): Delegation<Role> {
  if (!text.endsWith('\n')) throw new SyntaxError('does not end with a line feed')
  const delegation = parseSigned(DELEGATION, text.slice(0, -1))
  if (delegation.statement.role !== role)
    throw new SyntaxError(`role: expected ${role}, found ${delegation.statement.role}`)
  return delegation
}

/** The delegated Ed25519 public key; undefined when it is none that may sign. */
export function delegatedKey(statement: DelegationStatement): Uint8Array | undefined {
  if (statement.role === 'link') return peerPublicKey(statement.peer_id)
  const bytes = Uint8Array.from(Buffer.from(statement.key, 'hex'))
  return isUsablePublicKey(bytes) ? bytes : undefined
}

/** Why a delegation is not its hub's word, whatever the time; undefined when it is. */
export function authorityProblem(delegation: Delegation<Role>): string | undefined {
  const { statement } = delegation
  const hubKey = hubPublicKey(statement.hub)
  if (hubKey === undefined) return 'its hub is not a hub id'
  if (!isHubsWord(delegation, hubKey)) return `not signed by hub ${statement.hub}`
  if (delegatedKey(statement) === undefined)
    return `its ${statement.role === 'link' ? 'peer_id' : 'key'} is not a usable Ed25519 key`
  return undefined
}

/** The same bytes are verified once: a hub shows its delegation at each handshake, and tells of it over each link. */
function isHubsWord({ statement, signature }: Delegation<Role>, hubKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  // The hub, and so its key, stands in what is signed.
  const bytes = signedBytes(DELEGATION_TAG, statement)
  const digest = createHash('sha256').update(signature).update(bytes).digest('base64')
  return proven(digest, hubKey, bytes, signature) === true
}

const proven = remembered(
  MOST_PROVEN,
  (_digest: string, hubKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) =>
    isSignedBy(verifyingKey(hubKey), bytes, signature) || undefined
)

/** Why a delegation does not hold at a time (seconds since 1970, 60 s of skew allowed); undefined when it does. */
export function delegationProblem(delegation: Delegation<Role>, nowS: number): string | undefined {
  const { not_before: from, not_after: until } = delegation.statement
  const problem = authorityProblem(delegation)
  if (problem !== undefined) return problem
  if (nowS < from - CLOCK_SKEW_S) return `not valid before ${isoTime(from)}`
  if (nowS > until + CLOCK_SKEW_S) return `expired at ${isoTime(until)}`
  return undefined
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString()
