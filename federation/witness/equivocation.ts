import { createHash } from 'node:crypto'
import { type CanonicalValue, canonicalJson, isTextOf } from '../canonical.ts'
import { type Form, exactly, formed, listOf, oneOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { parsedJson } from '../statement.ts'
import { WITNESS } from './numbers.ts'
import type { SeenHead } from './witnessing.ts'

const VERSION = 1
/** What a proof is of, and what stands in it. */
export const LOG_PROOFS = ['checkpoints', 'consistency'] as const
export const KEY_PROOFS = ['delegations', 'successions'] as const
/** Two statements of one place that a delegated key signed; what a place is, the kind of statement says. */
export const STATEMENT_PROOFS = ['numbers', 'snapshots'] as const
export type StatementProofKind = (typeof STATEMENT_PROOFS)[number]

type Pair = readonly [string, string]

/**
 * Two things that a hub signed and of which one is false, with all that is needed to see it offline.
 * @see specs/federation-witness.md, section 5
 */
export type Equivocation =
  | {
      /** Two heads of one log with one size and two roots. */
      readonly kind: 'checkpoints'
      readonly hub: string
      /** Texts without line feed, of the keys that signed the notes; one where it is the same for both. */
      readonly delegations: readonly string[]
      /** In ascending order. */
      readonly notes: Pair
    }
  | {
      /** Two heads of one log, the later of which goes on from another tree than the earlier one has. */
      readonly kind: 'consistency'
      readonly hub: string
      readonly delegations: readonly string[]
      /** The one of the smaller size first. */
      readonly notes: Pair
      /** Hex: the root that the later tree has at the size of the earlier one. */
      readonly old_root: string
      /** Hex: the consistency proof from `old_root` to the later head. */
      readonly hashes: readonly string[]
    }
  | {
      /** Two delegations of one place, or two successors of one hub. */
      readonly kind: (typeof KEY_PROOFS)[number]
      readonly hub: string
      /** In ascending order. */
      readonly lines: Pair
    }
  | {
      readonly kind: StatementProofKind
      readonly hub: string
      /** Lines of the delegations of the keys that signed; one where it is the same for both. */
      readonly delegations: readonly string[]
      /** In ascending order. */
      readonly lines: Pair
    }

export type EquivocationKind = Equivocation['kind']

const text =
  (maxBytes: number): Form<string> =>
  (value, path, tell) =>
    typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= maxBytes
      ? value
      : tell(path, `not a text of at most ${maxBytes} bytes`)

const v = whole(VERSION, VERSION)
const { hub, hex32 } = forms
const delegations = listOf(text(WITNESS.delegationBytes), 2, 1)
const notes = listOf(text(WITNESS.noteBytes), 2, 2)
const lines = listOf(text(WITNESS.statementChars), 2, 2)
const ofLog = { v, hub, delegations, notes }

const FORMS: { readonly [K in EquivocationKind]: Form<unknown> } = {
  checkpoints: exactly({ ...ofLog, kind: oneOf('checkpoints') }),
  consistency: exactly({
    ...ofLog,
    kind: oneOf('consistency'),
    old_root: hex32,
    hashes: listOf(hex32, WITNESS.hashes)
  }),
  delegations: exactly({ v, hub, lines, kind: oneOf('delegations') }),
  successions: exactly({ v, hub, lines, kind: oneOf('successions') }),
  numbers: exactly({ v, hub, delegations, lines, kind: oneOf('numbers') }),
  snapshots: exactly({ v, hub, delegations, lines, kind: oneOf('snapshots') })
}

/** What the two statements of a proof may be. */
export const EQUIVOCATION_KINDS = Object.keys(FORMS) as readonly EquivocationKind[]

const KIND: Form<{ readonly kind: EquivocationKind }> = (value, path, tell) => {
  const kind = (value as { readonly kind?: unknown } | null | undefined)?.kind
  return typeof kind === 'string' && Object.hasOwn(FORMS, kind)
    ? { kind: kind as EquivocationKind }
    : tell(path, 'kind: no kind of proof that is known')
}

/** A proof as a line, without its line feed: canonical JSON. */
export function equivocationLine(proof: Equivocation): string {
  return canonicalJson({ v: VERSION, ...proof } as unknown as CanonicalValue)
}

/**
 * Reads what `equivocationLine` writes, and only that, so that one contradiction has one text. Proves nothing yet.
 * @throws SyntaxError with all that is wrong.
 */
export function parseEquivocation(line: string): Equivocation {
  if (line.length > WITNESS.proofBytes || Buffer.byteLength(line) > WITNESS.proofBytes)
    throw new SyntaxError(`longer than ${WITNESS.proofBytes} bytes`)
  const value = parsedJson(line)
  const { kind } = formed(KIND, value)
  const { v: _version, ...proof } = formed(FORMS[kind], value) as { readonly v: number }
  if (!isTextOf(line, () => equivocationLine(proof as unknown as Equivocation)))
    throw new SyntaxError('not canonical JSON')
  return proof as unknown as Equivocation
}

/** Names a proof: SHA-256 of its line and a line feed, in hex. */
export const equivocationId = (line: string): string => createHash('sha256').update(`${line}\n`).digest('hex')

/** Of two heads of one log with one size. */
export function checkpointsProof(hubId: string, heads: readonly [SeenHead, SeenHead]): Equivocation {
  const both = heads.map(({ note }) => note).sort()
  return {
    kind: 'checkpoints',
    hub: hubId,
    delegations: delegationsOf(heads),
    notes: both as unknown as Pair
  }
}

/** Of two heads, the smaller first, the later of which proves another root for the size of the earlier one. */
export function consistencyProofOf(
  hubId: string,
  heads: readonly [SeenHead, SeenHead],
  { oldRoot, hashes }: { readonly oldRoot: Uint8Array; readonly hashes: readonly Uint8Array[] }
): Equivocation {
  return {
    kind: 'consistency',
    hub: hubId,
    delegations: delegationsOf(heads),
    notes: [heads[0].note, heads[1].note],
    old_root: hex(oldRoot),
    hashes: hashes.map(hex)
  }
}

/** Of two lines about keys that the hub key signed. */
export const keysProof = (
  kind: (typeof KEY_PROOFS)[number],
  hubId: string,
  both: readonly string[]
): Equivocation => ({
  kind,
  hub: hubId,
  lines: both.toSorted() as unknown as Pair
})

/** Of two statements of one place, with the lines of the delegations of the keys that signed them. */
export const statementsProof = (
  kind: StatementProofKind,
  hubId: string,
  both: readonly string[],
  delegated: readonly string[]
): Equivocation => ({
  kind,
  hub: hubId,
  delegations: [...new Set(delegated)].sort(),
  lines: both.toSorted() as unknown as Pair
})

const delegationsOf = (heads: readonly SeenHead[]): readonly string[] =>
  [...new Set(heads.map(({ delegation }) => delegation))].sort()

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
