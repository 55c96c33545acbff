import { type CanonicalValue, canonicalJson } from './canonical.ts'
import {
  type Delegation,
  type DelegationStatement,
  type Role,
  authorityProblem,
  delegatedKey
} from './delegation.ts'
import { hubPublicKey } from './hub-id.ts'
import { KEY_REVOCATION, type KeyRevocation } from './key-revocation.ts'
import { type Signed, type StatementKind, isStatementBy } from './statement.ts'

/** The most of each that a book holds of one hub. */
export const MAX_DELEGATIONS = 256
export const MAX_KEY_REVOCATIONS = 256

/** A revocation of a key, and when this hub had verified it (Unix seconds). */
export interface LearnedRevocation {
  readonly revocation: KeyRevocation
  readonly learnedAt: number
}

/** What one hub knows of the keys that sign for another. A value: learning gives a new book. */
export interface DelegationBook {
  readonly hub: string
  readonly delegations: readonly Delegation<Role>[]
  readonly revocations: readonly LearnedRevocation[]
  /** The hub id under which it goes on, once this hub's operator has confirmed that: its key delegates no more. */
  readonly successor?: string
}

/** Why something is not taken into a book. @see specs/federation-links.md, sections 4.3 and 5 */
export type LearningRefusal = 'hub' | 'signature' | 'revoked' | 'succeeded' | 'full'

export type Learned =
  | { readonly verdict: 'new' | 'known'; readonly book: DelegationBook }
  | { readonly verdict: 'refused'; readonly why: LearningRefusal }
  /** Proof against the hub for everybody: it signed both. */
  | { readonly verdict: 'equivocation'; readonly proof: readonly [Delegation<Role>, Delegation<Role>] }

/** Who says that a statement is a hub's word, and when it was made. */
export interface Claim {
  readonly hub: string
  /** The Ed25519 public key that signs, in hex. */
  readonly key: string
  readonly epoch: number
  /** Unix seconds. */
  readonly at: number
}

/** A kind of statement that a delegated key signs. */
export interface DelegatedKind<S extends CanonicalValue> extends StatementKind<S> {
  readonly role: Role
  readonly claim: (statement: S) => Claim
}

/** Why a statement is not its hub's word. @see specs/federation-links.md, section 4.4 */
export type StatementRefusal = 'hub' | 'key' | 'time' | 'revoked' | 'signature'

export const emptyBook = (hub: string): DelegationBook => ({ hub, delegations: [], revocations: [] })

/** The book with a delegation, once it was found to be the hub's word. The first one seen for a place stays. */
export function learnDelegation(book: DelegationBook, delegation: Delegation<Role>): Learned {
  const { statement } = delegation
  if (statement.hub !== book.hub) return refused('hub')
  if (authorityProblem(delegation) !== undefined) return refused('signature')
  const held = book.delegations.find(({ statement: other }) => isSamePlace(statement, other))
  if (held !== undefined && isSameStatement(held.statement, statement)) return { verdict: 'known', book }
  if (held !== undefined) return { verdict: 'equivocation', proof: [held, delegation] }
  if (isRevoked(book, keyHex(statement))) return refused('revoked')
  if (book.successor !== undefined) return refused('succeeded')
  if (book.delegations.length >= MAX_DELEGATIONS) return refused('full')
  return { verdict: 'new', book: { ...book, delegations: [...book.delegations, delegation] } }
}

/** The book with the revocation of a key. What was learned first about a key stays. */
export function learnKeyRevocation(
  book: DelegationBook,
  revocation: KeyRevocation,
  nowS: number
): Exclude<Learned, { readonly verdict: 'equivocation' }> {
  const { hub, key } = revocation.statement
  const hubKey = hubPublicKey(hub)
  if (hub !== book.hub || hubKey === undefined) return refused('hub')
  if (!isStatementBy(KEY_REVOCATION, revocation, hubKey)) return refused('signature')
  if (isRevoked(book, key)) return { verdict: 'known', book }
  if (book.revocations.length >= MAX_KEY_REVOCATIONS) return refused('full')
  const learned = { revocation, learnedAt: nowS }
  return { verdict: 'new', book: { ...book, revocations: [...book.revocations, learned] } }
}

/** The book of a hub that another has taken the place of: what it delegated stays, and nothing is added to it. */
export const succeededBy = (book: DelegationBook, successor: string): DelegationBook => ({
  ...book,
  successor
})

/** Whether the hub has revoked a key (hex), in every role. */
export const isRevoked = (book: DelegationBook, key: string): boolean => revokedAt(book, key) !== undefined

/**
 * Why a statement is not the hub's word, or undefined when it is. What was seen before its key was revoked, and inside
 * the time of its delegation, stays so for ever.
 * @param firstSeenS When this hub saw it first, in Unix seconds.
 */
export function statementProblem<S extends CanonicalValue>(
  book: DelegationBook,
  kind: DelegatedKind<S>,
  signed: Signed<S>,
  firstSeenS: number
): StatementRefusal | undefined {
  const { hub, key, epoch, at } = kind.claim(signed.statement)
  if (hub !== book.hub) return 'hub'
  const delegated = book.delegations
    .map(({ statement }) => statement)
    .filter(
      statement => statement.role === kind.role && statement.epoch === epoch && keyHex(statement) === key
    )
  if (delegated.length === 0) return 'key'
  if (!delegated.some(statement => at >= statement.not_before && at <= statement.not_after)) return 'time'
  if (firstSeenS >= (revokedAt(book, key) ?? Infinity)) return 'revoked'
  return isStatementBy(kind, signed, Buffer.from(key, 'hex')) ? undefined : 'signature'
}

const refused = (why: LearningRefusal) => ({ verdict: 'refused', why }) as const

const isSamePlace = (a: DelegationStatement, b: DelegationStatement): boolean =>
  a.node === b.node && a.role === b.role && a.epoch === b.epoch

const isSameStatement = (a: DelegationStatement, b: DelegationStatement): boolean =>
  canonicalJson(a) === canonicalJson(b)

const revokedAt = ({ revocations }: DelegationBook, key: string): number | undefined =>
  revocations.find(({ revocation }) => revocation.statement.key === key)?.learnedAt

function keyHex(statement: DelegationStatement): string {
  return statement.role === 'link'
    ? Buffer.from(delegatedKey(statement) ?? []).toString('hex')
    : statement.key
}
