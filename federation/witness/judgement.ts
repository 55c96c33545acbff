import type { CanonicalValue } from '../canonical.ts'
import { canonicalJson } from '../canonical.ts'
import {
  type DelegatedKind,
  type DelegationBook,
  emptyBook,
  learnDelegation,
  statementProblem
} from '../delegation-book.ts'
import { type Delegation, type Role, parseDelegation } from '../delegation.ts'
import { learnRecord, noKeys } from '../hub-keys.ts'
import { parseKeyRecord } from '../key-record.ts'
import { type NoteKey, NoteError, isConsistent, openCheckpoint, readLogDelegation } from '../log/index.ts'
import { type Signed, parseSigned } from '../statement.ts'
import { type Equivocation, type StatementProofKind, parseEquivocation } from './equivocation.ts'

/** Why a text proves nothing against a hub. @see specs/federation-witness.md, section 5.3 */
export const EQUIVOCATION_REFUSALS = [
  'form',
  'order',
  'hub',
  'delegation',
  'signature',
  'place',
  'agreement',
  'hashes'
] as const
export type EquivocationRefusal = (typeof EQUIVOCATION_REFUSALS)[number]

export type EquivocationVerdict =
  /** `keys`: those that signed, in hex; of them none may have been revoked before the proof was seen. */
  | { readonly ok: true; readonly proof: Equivocation; readonly keys: readonly string[] }
  | { readonly ok: false; readonly why: EquivocationRefusal; readonly detail: string }

/** A kind of statement of which a hub makes one for each place. */
export interface PlacedKind<S extends CanonicalValue> {
  readonly kind: DelegatedKind<S>
  /** Two statements with one place and different content contradict each other. */
  readonly place: (statement: S) => string
}

/** The kinds of statements that proofs may be of; one that is missing is refused as `form`. */
export type PlacedKinds = { readonly [K in StatementProofKind]?: PlacedKind<any> }

/**
 * Whether a line proves that its hub signed two things of which one is false. It needs nothing else: no clock, no
 * network, and no keys but the hub id that stands in it.
 */
export function judgeEquivocation(line: string, kinds: PlacedKinds = {}): EquivocationVerdict {
  try {
    const proof = parseEquivocation(line)
    return { ok: true, proof, keys: judged(proof, kinds) }
  } catch (error) {
    if (error instanceof Unproved) return { ok: false, why: error.why, detail: error.message }
    if (error instanceof SyntaxError) return { ok: false, why: 'form', detail: error.message }
    throw error
  }
}

class Unproved extends Error {
  readonly why: EquivocationRefusal

  constructor(why: EquivocationRefusal, detail: string) {
    super(detail)
    this.why = why
  }
}

function judged(proof: Equivocation, kinds: PlacedKinds): readonly string[] {
  switch (proof.kind) {
    case 'checkpoints':
    case 'consistency':
      return judgeHeads(proof)
    case 'delegations':
    case 'successions':
      return judgeKeys(proof)
    case 'numbers':
    case 'snapshots':
      return judgeStatements(proof, kinds[proof.kind])
  }
}

function judgeHeads(proof: Extract<Equivocation, { readonly notes: unknown }>): readonly string[] {
  if (proof.delegations.length === 2) refuseDescending(proof.delegations, 'delegations')
  const keys = proof.delegations.map(text => logKey(text, proof.hub))
  const [first, second] = proof.notes.map(note => opened(note, keys)) as [Opened, Opened]
  if (keys.some(key => key !== first.key && key !== second.key))
    throw new Unproved('delegation', 'one of the delegations is of no key that signed')
  const [a, b] = [first.checkpoint, second.checkpoint]
  if (a.origin !== b.origin) throw new Unproved('place', 'the heads are of two logs')
  if (proof.kind === 'checkpoints') {
    refuseDescending(proof.notes, 'notes')
    if (a.size !== b.size) throw new Unproved('place', 'the heads are of two sizes')
    if (hex(a.root) === hex(b.root)) throw new Unproved('agreement', 'the heads have one root')
  } else {
    if (a.size >= b.size) throw new Unproved('order', 'notes: the head of the smaller size comes first')
    if (proof.old_root === hex(a.root))
      throw new Unproved('agreement', 'the later head goes on from the earlier')
    const hashes = proof.hashes.map(hash => Buffer.from(hash, 'hex'))
    const fromRoot = Buffer.from(proof.old_root, 'hex')
    if (!isConsistent({ from: a.size, fromRoot, to: b.size, toRoot: b.root }, hashes))
      throw new Unproved('hashes', 'the hashes do not lead from old_root to the later head')
  }
  return [...new Set([first.key, second.key].map(({ publicKey }) => hex(publicKey)))]
}

interface Opened {
  readonly key: NoteKey
  readonly checkpoint: ReturnType<typeof openCheckpoint>
}

function logKey(text: string, hub: string): NoteKey {
  try {
    return readLogDelegation(`${text}\n`, hub)
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof NoteError)) throw error
    throw new Unproved('delegation', error.message)
  }
}

function opened(note: string, keys: readonly NoteKey[]): Opened {
  let why = 'no key'
  for (const key of keys) {
    try {
      return { key, checkpoint: openCheckpoint(note, key) }
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      why = error.message
    }
  }
  throw new Unproved('signature', why)
}

function judgeKeys({
  kind,
  hub,
  lines
}: Extract<Equivocation, { kind: 'delegations' | 'successions' }>): readonly string[] {
  refuseDescending(lines, 'lines')
  const wanted = kind === 'delegations' ? 'delegation' : 'succession'
  let known = { hub: noKeys(hub), successions: [] as Parameters<typeof learnRecord>[0]['successions'] }
  for (const [n, line] of lines.entries()) {
    const one = parseKeyRecord(line)
    if (one.kind !== wanted) throw new Unproved('form', `lines[${n}]: not a ${wanted}`)
    if (one.record.statement.hub !== hub) throw new Unproved('hub', `lines[${n}]: of another hub`)
    const found = learnRecord(known, one, 1)
    if (found.verdict === 'equivocation') return []
    if (found.verdict === 'refused') throw new Unproved('signature', `lines[${n}]: ${found.why}`)
    if (found.verdict === 'known') throw new Unproved('agreement', 'both lines say the same')
    known = { hub: found.known.hub, successions: found.known.successions }
  }
  throw new Unproved('place', 'the lines are of two places')
}

function judgeStatements(
  { hub, delegations, lines }: Extract<Equivocation, { kind: StatementProofKind }>,
  placed: PlacedKind<CanonicalValue> | undefined
): readonly string[] {
  if (placed === undefined) throw new Unproved('form', 'kind: not known here')
  if (delegations.length === 2) refuseDescending(delegations, 'delegations')
  refuseDescending(lines, 'lines')
  const book = delegations.reduce((known, line) => delegatedIn(known, line, placed.kind.role), emptyBook(hub))
  const signed = lines.map(line => parseSigned(placed.kind, line))
  for (const [n, one] of signed.entries()) {
    const problem = statementProblem(book, placed.kind, one, 1)
    if (problem !== undefined) throw new Unproved(REFUSAL_OF[problem], `lines[${n}]: ${problem}`)
  }
  const [first, second] = signed.map(({ statement }) => statement) as [CanonicalValue, CanonicalValue]
  if (placed.place(first) !== placed.place(second)) throw new Unproved('place', 'the lines are of two places')
  if (canonicalJson(first) === canonicalJson(second))
    throw new Unproved('agreement', 'both lines say the same')
  const keys = [
    ...new Set(signed.map(({ statement }: Signed<CanonicalValue>) => placed.kind.claim(statement).key))
  ]
  if (keys.length < delegations.length && new Set(epochsOf(signed, placed)).size < delegations.length)
    throw new Unproved('delegation', 'one of the delegations is of no key that signed')
  return keys
}

const REFUSAL_OF = {
  hub: 'hub',
  key: 'delegation',
  time: 'delegation',
  revoked: 'signature',
  signature: 'signature'
} as const

const epochsOf = (
  signed: readonly Signed<CanonicalValue>[],
  { kind }: PlacedKind<CanonicalValue>
): number[] => signed.map(({ statement }) => kind.claim(statement).epoch)

function delegatedIn(book: DelegationBook, line: string, role: Role): DelegationBook {
  let delegation: Delegation<Role>
  try {
    delegation = parseDelegation(`${line}\n`, role)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Unproved('delegation', error.message)
  }
  const learned = learnDelegation(book, delegation)
  if (learned.verdict === 'refused')
    throw new Unproved(learned.why === 'hub' ? 'hub' : 'delegation', `delegation: ${learned.why}`)
  if (learned.verdict === 'equivocation') throw new Unproved('form', 'the delegations contradict each other')
  return learned.book
}

function refuseDescending([first = '', second = '']: readonly string[], name: string): void {
  if (first >= second) throw new Unproved('order', `${name}: not in ascending order, each once`)
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
