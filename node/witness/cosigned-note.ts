import {
  NoteError,
  cosignatures,
  cosigningKey,
  formatCosigningKey,
  parseNote
} from '../../federation/index.ts'
import type { DelegationBook, NoteKey } from '../../federation/index.ts'

/** The name of the key of a witness in signature lines. @see specs/federation-witness.md, section 3 */
export const witnessName = (hub: string, node: string): string => `${hub}/${node}/witness`

/** A cosignature and whose it is. */
export interface HubCosignature {
  readonly hub: string
  /** The verifier key, for whoever checks it without this software. */
  readonly vkey: string
  /** Unix seconds. */
  readonly at: number
}

/** The keys by which a hub cosigns, of all its nodes. */
export const witnessKeys = ({ hub, delegations }: DelegationBook): readonly NoteKey[] =>
  delegations.flatMap(({ statement }) =>
    statement.role === 'witness'
      ? [cosigningKey(witnessName(hub, statement.node), Buffer.from(statement.key, 'hex'))]
      : []
  )

/** What of the cosignatures of a note is by these keys of a hub. @throws NoteError for one that does not fit. */
export function cosignaturesOf(
  note: string,
  hub: string,
  keys: readonly NoteKey[]
): readonly HubCosignature[] {
  const { signatures } = parseNote(note)
  return keys.flatMap(key => {
    // Two keys of one node have one name.
    if (!signatures.some(({ keyId }) => keyId === key.keyId)) return []
    return cosignatures(note, [key]).map(({ at }) => ({ hub, vkey: formatCosigningKey(key), at }))
  })
}

/** A note with one more signature line. @throws NoteError for what is not exactly one line by one of the keys. */
export function withCosignature(
  note: string,
  line: string,
  { hub, keys }: { readonly hub: string; readonly keys: readonly NoteKey[] }
): { readonly note: string; readonly by: HubCosignature } {
  const longer = `${note}${line}`
  const added = parseNote(longer).signatures.length - parseNote(note).signatures.length
  const [by, ...more] = cosignaturesOf(longer, hub, keys)
  if (added !== 1 || by === undefined || more.length > 0)
    throw new NoteError('not one signature line by a key that the hub has delegated for a witness')
  return { note: longer, by }
}
