import { type KeyRecord, MAX_KEY_RECORDS, parseKeyRecord } from '../key-record.ts'
import { parseSigned } from '../statement.ts'
import {
  type DelegationBook,
  learnDelegation,
  learnKeyRevocation,
  statementProblem
} from '../delegation-book.ts'
import { SNAPSHOTS } from './numbers.ts'
import { SEAL_FILE, SIGNATURE_FILE } from './paths.ts'
import { type Judged, type SnapshotProblem, refused } from './refusals.ts'
import { type Seal, contentProblem, parseSeal, sealedItem, utcText } from './seal.ts'
import { SNAPSHOT, SNAPSHOT_FILE, SNAPSHOT_TAG, type Snapshot, snapshotDigest } from './snapshot.ts'

/** The file of a sealed folder with what the hub key signed about keys, a line each. */
export const KEYS_FILE = 'keys.ndjson'

/** The files of a sealed folder by their paths. */
export type Files = ReadonlyMap<string, Uint8Array>

/** Whether a key (hex) signed a file, as minisign does; `signature` is the text of the `.minisig`. */
export type IsSealedBy = (key: string, content: Uint8Array, signature: string) => boolean

/** A snapshot whose folder is whole. Whose word it is, is still to be judged. */
export interface OpenedSnapshot {
  readonly snapshot: Snapshot
  readonly sha256: string
  readonly seal: Seal
  /** What came with it about keys; each line proves itself, or nothing. */
  readonly records: readonly KeyRecord[]
}

/** The snapshot in a sealed folder, once every file is the one that it and its seal name, and its key signed the seal. */
export function openSnapshot(files: Files, isSealedBy: IsSealedBy): Judged<OpenedSnapshot> {
  const tooLarge = sizeProblem(files)
  if (tooLarge !== undefined) return tooLarge
  const [sealed, signature] = [files.get(SEAL_FILE), files.get(SIGNATURE_FILE)]
  if (sealed === undefined) return refused('missing', SEAL_FILE)
  if (signature === undefined) return refused('missing', SIGNATURE_FILE)
  const seal = parseSeal(sealed)
  if ('why' in seal) return seal
  if (seal.value.type !== SNAPSHOT_TAG) return refused('malformed', `type: not ${SNAPSHOT_TAG}`)
  const changed = contentProblem(seal.value, itemsOf(files))
  if (changed !== undefined) return changed
  const read = snapshotIn(files.get(SNAPSHOT_FILE))
  if ('why' in read) return read
  const { statement } = read.value
  const problem = manifestProblem(read.value, seal.value)
  if (problem !== undefined) return problem
  if (!isSealedBy(statement.key, sealed, Buffer.from(signature).toString()))
    return refused('signature', SIGNATURE_FILE)
  const records = recordsIn(files.get(KEYS_FILE))
  if ('why' in records) return records
  const sha256 = snapshotDigest(read.value)
  return { value: { snapshot: read.value, sha256, seal: seal.value, records: records.value } }
}

/** The files that a seal lists, as they were found. */
const itemsOf = (files: Files) =>
  [...files]
    .filter(([path]) => path !== SEAL_FILE && path !== SIGNATURE_FILE)
    .map(([path, bytes]) => sealedItem(path, bytes))

function sizeProblem(files: Files): SnapshotProblem | undefined {
  if (files.size > SNAPSHOTS.packageFiles)
    return refused('too_large', `more than ${SNAPSHOTS.packageFiles} files`)
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
  if (bytes > SNAPSHOTS.packageBytes) return refused('too_large', `more than ${SNAPSHOTS.packageBytes} bytes`)
  const signature = files.get(SIGNATURE_FILE)
  return signature !== undefined && signature.length > SNAPSHOTS.signatureBytes
    ? refused('too_large', SIGNATURE_FILE)
    : undefined
}

function snapshotIn(bytes: Uint8Array | undefined): Judged<Snapshot> {
  if (bytes === undefined) return refused('missing', SNAPSHOT_FILE)
  const text = Buffer.from(bytes).toString()
  try {
    if (!text.endsWith('\n')) throw new SyntaxError('does not end with a line feed')
    return { value: parseSigned(SNAPSHOT, text.slice(0, -1)) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return refused('malformed', `${SNAPSHOT_FILE}: ${error.message}`.slice(0, 256))
  }
}

/** The snapshot and its seal name the same files, and the same time. */
function manifestProblem({ statement }: Snapshot, seal: Seal): SnapshotProblem | undefined {
  if (seal.generated_at_utc !== utcText(statement.created)) return refused('manifest', 'generated_at_utc')
  const others = seal.items.filter(({ path }) => path !== SNAPSHOT_FILE)
  const named = Object.entries(statement.manifests)
  const unnamed = others.find(
    ({ path, sha256 }) => !Object.hasOwn(statement.manifests, path) || statement.manifests[path] !== sha256
  )
  if (unnamed !== undefined) return refused('manifest', unnamed.path)
  const lacking = named.find(([path]) => !others.some(item => item.path === path))
  return lacking && refused('manifest', lacking[0])
}

/** Those that this version can read; none where the file is missing. */
function recordsIn(bytes: Uint8Array | undefined): Judged<readonly KeyRecord[]> {
  const lines = bytes === undefined ? [] : Buffer.from(bytes).toString().split('\n')
  if (lines.length > MAX_KEY_RECORDS + 1)
    return refused('malformed', `${KEYS_FILE}: more than ${MAX_KEY_RECORDS} lines`)
  const value = lines.flatMap(line => {
    try {
      return line === '' ? [] : [parseKeyRecord(line)]
    } catch (error) {
      if (error instanceof SyntaxError) return []
      throw error
    }
  })
  return { value }
}

/**
 * Why a snapshot is not the word of the hub of `book`, by what is known of its keys and what came with it; undefined when
 * it is. What is learned on the way is forgotten again.
 * @param firstSeenS When this hub saw it first, in Unix seconds.
 */
export function authorityRefusal(
  { snapshot, records }: Pick<OpenedSnapshot, 'snapshot' | 'records'>,
  book: DelegationBook,
  firstSeenS: number
): SnapshotProblem | undefined {
  const { hub } = snapshot.statement
  if (hub !== book.hub) return refused('hub', `of hub ${hub}`)
  const known = records.reduce((all, one) => withRecord(all, one, firstSeenS), book)
  const why = statementProblem(known, SNAPSHOT, snapshot, firstSeenS)
  return why && refused(why, WHY[why])
}

const WHY = {
  hub: 'of another hub',
  key: 'its hub has not delegated its key for snapshots',
  time: 'made outside the time of the delegation of its key',
  revoked: 'its hub has revoked its key',
  signature: 'snapshot.json is not signed by its key'
} as const

function withRecord(book: DelegationBook, one: KeyRecord, nowS: number): DelegationBook {
  if (one.kind === 'succession' || one.record.statement.hub !== book.hub) return book
  const learned =
    one.kind === 'delegation' ? learnDelegation(book, one.record) : learnKeyRevocation(book, one.record, nowS)
  return 'book' in learned ? learned.book : book
}
