import { readFileSync } from 'node:fs'

interface Lines {
  readonly line: string
}
interface Revocations {
  readonly revocation_key: { readonly seed: string }
  readonly delegations: readonly Lines[]
  readonly statements: readonly Lines[]
  readonly refused: readonly Lines[]
  readonly malformed: readonly Lines[]
}
interface Entries {
  readonly verifier_key: string
  readonly entries: readonly Partial<Lines>[]
  readonly refused: readonly Lines[]
  readonly checkpoint: string
  readonly delegation: { readonly text: string }
}
interface Noted {
  readonly note: string
  readonly verifier_key: string
}
interface Notes {
  readonly notes: readonly Noted[]
  readonly refused: readonly Noted[]
  readonly checkpoints: readonly { readonly text: string }[]
}
interface Witnesses {
  readonly cosignatures: readonly { readonly vkey: string }[]
  readonly requests: readonly { readonly body: string }[]
  readonly proofs: readonly (Lines & { readonly verdict: string })[]
}
interface Tiles {
  readonly paths: readonly { readonly path: string }[]
  readonly refused: readonly string[]
}

const vectors = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../specs/vectors/${name}.json`, import.meta.url), 'utf8'))

const revocations = vectors('revocation') as Revocations
const entries = vectors('audit-entries') as Entries
const witnesses = vectors('federation-witness') as Witnesses
const MOST_CHARS = 2048

/** Of the key for which `DELEGATION_LINE` speaks. */
export const REVOCATION_SEED = revocations.revocation_key.seed
export const DELEGATION_LINE = revocations.delegations[0]!.line
export const LOG_VERIFIER_KEY = entries.verifier_key
export const PROVED_LINES = witnesses.proofs
  .filter(({ verdict }) => verdict === 'proved')
  .map(({ line }) => line)

/** The lines, notes, checkpoints, keys and paths of the vectors, good and bad. */
export function evidenceSeeds(): Uint8Array[] {
  const { delegations, statements, refused, malformed } = revocations
  const { notes, refused: badNotes, checkpoints } = vectors('audit-notes') as Notes
  const tiles = vectors('audit-tiles') as Tiles
  const lines = [
    ...delegations,
    ...statements,
    ...refused,
    ...malformed,
    ...entries.entries,
    ...entries.refused
  ]
  const texts = [
    ...lines.map(({ line }) => line ?? ''),
    ...witnesses.proofs.map(({ line }) => line),
    ...witnesses.requests.map(({ body }) => body),
    ...witnesses.cosignatures.map(({ vkey }) => vkey),
    ...[...notes, ...badNotes].flatMap(({ note, verifier_key }) => [note, verifier_key]),
    ...checkpoints.map(({ text }) => text),
    ...tiles.paths.map(({ path }) => path),
    ...tiles.refused,
    entries.checkpoint,
    entries.delegation.text
  ]
  return texts.filter(({ length }) => length <= MOST_CHARS).map(text => new TextEncoder().encode(text))
}
