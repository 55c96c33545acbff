import { createHash } from 'node:crypto'
import {
  type DelegationBook,
  type LearningRefusal,
  emptyBook,
  learnDelegation,
  learnKeyRevocation
} from './delegation-book.ts'
import { type KeyRecord, keyRecordLine } from './key-record.ts'
import { type SuccessionRefusal, learnSuccession } from './succession-chain.ts'
import type { Succession } from './succession.ts'

/** The most proofs against one hub that are kept; one that somebody has decided on gives way to a new one. */
export const MAX_PROOFS = 16
/** The most proofs against one hub that were decided on and gave way, and are known by their digest: the newest. */
export const MAX_DECIDED = 4096

/** What a hub said two things of. */
export const HUB_PROOF_KINDS = [
  'delegation',
  'succession',
  'checkpoints',
  'consistency',
  'numbers',
  'snapshots'
] as const

/** Two statements that a hub signed and that cannot both be true: proof for everybody. */
export interface EquivocationProof {
  readonly kind: (typeof HUB_PROOF_KINDS)[number]
  /**
   * Of a delegation or succession the lines of both statements, the one that was seen first before the other; of every
   * other kind the one line of specs/federation-witness.md, section 5.
   */
  readonly lines: readonly string[]
  /** Unix seconds. */
  readonly foundAt: number
  /** When an operator released or removed the hub, in Unix seconds; undefined while it waits for that. */
  readonly decidedAt: number | undefined
}

/** What one hub knows of another's keys. */
export interface HubKeys {
  readonly book: DelegationBook
  readonly proofs: readonly EquivocationProof[]
  /** Digests of proofs that were decided on and gave way, with when in Unix seconds, the oldest first. */
  readonly decided: ReadonlyMap<string, number>
}

/** What has been learned: of the hub whose word it is, and of who follows whom. */
export interface Knowledge {
  readonly hub: HubKeys
  readonly successions: readonly Succession[]
}

export type RecordVerdict =
  | { readonly verdict: 'new'; readonly known: Knowledge }
  | { readonly verdict: 'known' }
  | { readonly verdict: 'refused'; readonly why: LearningRefusal | SuccessionRefusal }
  /** New proof, for which an older one may give way; the hub is in quarantine. */
  | ({ readonly verdict: 'equivocation'; readonly known: Knowledge } & Pick<AddedProof, 'proof' | 'gone'>)

/** What is known with one proof more. */
export interface AddedProof {
  readonly hub: HubKeys
  readonly proof: EquivocationProof
  /** The one that gave way, of which the digest stays. */
  readonly gone: EquivocationProof | undefined
}

export const noKeys = (hub: string): HubKeys => ({
  book: emptyBook(hub),
  proofs: [],
  decided: new Map()
})

/** Whose word a record is. */
export const recordHub = ({ record }: KeyRecord): string => record.statement.hub

/** Names a proof: SHA-256 of its lines in ascending order, each with its line feed, in hex. */
export function proofDigest({ lines }: Pick<EquivocationProof, 'lines'>): string {
  const hash = createHash('sha256')
  for (const line of lines.toSorted()) hash.update(`${line}\n`)
  return hash.digest('hex')
}

/** The proof that nobody has decided on yet. */
export const openProof = ({ proofs }: HubKeys): EquivocationProof | undefined =>
  proofs.find(({ decidedAt }) => decidedAt === undefined)

/** What is known after one more record of the hub, once its signatures were found to fit. */
export function learnRecord(known: Knowledge, one: KeyRecord, nowS: number): RecordVerdict {
  const { hub, successions } = known
  if (one.kind === 'succession') {
    const learned = learnSuccession(successions, one.record)
    if (learned.verdict === 'equivocation') {
      const [first, second] = learned.proof
      return found(known, [succession(first), succession(second)], nowS)
    }
    if (learned.verdict === 'refused') return learned
    if (learned.verdict === 'known') return { verdict: 'known' }
    return { verdict: 'new', known: { hub, successions: learned.known } }
  }
  const learned =
    one.kind === 'delegation'
      ? learnDelegation(hub.book, one.record)
      : learnKeyRevocation(hub.book, one.record, nowS)
  if (learned.verdict === 'equivocation') {
    const [first, second] = learned.proof
    return found(
      known,
      [
        { kind: 'delegation', record: first },
        { kind: 'delegation', record: second }
      ],
      nowS
    )
  }
  if (learned.verdict === 'refused') return learned
  if (learned.verdict === 'known') return { verdict: 'known' }
  return { verdict: 'new', known: { hub: { ...hub, book: learned.book }, successions } }
}

/** The same once an operator here has decided on all that was found. */
export const proofsDecided = (hub: HubKeys, nowS: number): HubKeys => ({
  ...hub,
  proofs: hub.proofs.map(proof => ({ ...proof, decidedAt: proof.decidedAt ?? nowS }))
})

const succession = (record: Succession): KeyRecord => ({ kind: 'succession', record })

/**
 * The same with a proof; undefined for one that is held already or was decided on, `full` where nobody has decided on as
 * many as anybody needs.
 */
export function withProof(
  hub: HubKeys,
  { kind, lines }: Pick<EquivocationProof, 'kind' | 'lines'>,
  nowS: number
): AddedProof | 'full' | undefined {
  const proof = { kind, lines, foundAt: nowS, decidedAt: undefined }
  const digest = proofDigest(proof)
  if (hub.decided.has(digest) || hub.proofs.some(other => proofDigest(other) === digest)) return undefined
  const isFull = hub.proofs.length >= MAX_PROOFS
  const gone = isFull ? hub.proofs.find(({ decidedAt }) => decidedAt !== undefined) : undefined
  if (isFull && gone === undefined) return 'full'
  const proofs = [...hub.proofs.filter(other => other !== gone), proof]
  return {
    proof,
    gone,
    hub: { ...hub, proofs, decided: gone ? withDecided(hub.decided, gone) : hub.decided }
  }
}

const withDecided = (
  decided: HubKeys['decided'],
  { decidedAt = 0, ...gone }: EquivocationProof
): HubKeys['decided'] => new Map([...decided, [proofDigest(gone), decidedAt] as const].slice(-MAX_DECIDED))

function found(known: Knowledge, both: readonly [KeyRecord, KeyRecord], nowS: number): RecordVerdict {
  const kind = both[0].kind === 'succession' ? 'succession' : 'delegation'
  const added = withProof(known.hub, { kind, lines: both.map(keyRecordLine) }, nowS)
  if (added === undefined) return { verdict: 'known' }
  // It is in quarantine already.
  if (added === 'full') return { verdict: 'refused', why: 'full' }
  const { proof, gone } = added
  return { verdict: 'equivocation', proof, gone, known: { ...known, hub: added.hub } }
}
