import {
  NoteError,
  cosignatures,
  emptyBook,
  learnDelegation,
  openCheckpoint,
  parseCheckpoint,
  parseCosigningKey,
  parseNote
} from '../../federation/index.ts'
import type { NoteKey } from '../../federation/index.ts'
import { logKeyFor } from '../audit/index.ts'
import { parseHubFile } from '../identity/index.ts'
import { witnessKeys } from './cosigned-note.ts'

/** What one witness says of a checkpoint. */
export interface Attested {
  /** The name of its key. */
  readonly name: string
  /** Unix seconds; undefined where it has not cosigned. */
  readonly at: number | undefined
}

export interface CosignedVerdict {
  readonly origin: string
  readonly size: number
  /** In hex. */
  readonly root: string
  /** One for each witness that was asked about, by its newest cosignature. */
  readonly witnesses: readonly Attested[]
}

/**
 * What a checkpoint says and which of the given witnesses cosigned it, without a network.
 * @param trusted the log's key: a verifier key or minisign public key.
 * @param witnesses texts: verifier keys of witnesses, or what `key export` of their hubs printed.
 * @throws NoteError for a checkpoint or cosignature that does not fit; SyntaxError for a witness that is no such text;
 * Finding for the log's key.
 */
export function verifyCosigned(note: string, trusted: string, witnesses: readonly string[]): CosignedVerdict {
  const { origin } = parseCheckpoint(parseNote(note).text)
  const { size, root } = openCheckpoint(note, logKeyFor(trusted, origin, undefined))
  const attested = witnesses.map(text => {
    const keys = keysIn(text)
    const found = keys.flatMap(key => cosignatures(note, [key]))
    const newest = found.toSorted((a, b) => b.at - a.at)[0]
    return { name: newest?.name ?? keys[0]!.name, at: newest?.at }
  })
  return { origin, size, root: Buffer.from(root).toString('hex'), witnesses: attested }
}

/** The keys of one witness. */
function keysIn(text: string): readonly NoteKey[] {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{')) {
    try {
      return [parseCosigningKey(trimmed)]
    } catch (error) {
      if (error instanceof NoteError) throw new SyntaxError(`a witness: ${error.message}`, { cause: error })
      throw error
    }
  }
  const { hub, delegations } = parseHubFile(text)
  const book = delegations.reduce((known, one) => {
    const learned = learnDelegation(known, one)
    return learned.verdict === 'new' || learned.verdict === 'known' ? learned.book : known
  }, emptyBook(hub))
  const keys = witnessKeys(book)
  if (keys.length === 0) throw new SyntaxError(`a witness: hub ${hub} has signed for no key of a witness`)
  return keys
}
