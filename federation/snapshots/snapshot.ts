import { createHash } from 'node:crypto'
import type { DelegatedKind } from '../delegation-book.ts'
import { type Form, exactly, listOf, textOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { type Signed, formatSigned } from '../statement.ts'
import { SNAPSHOTS } from './numbers.ts'
import { isSealedPath } from './paths.ts'

/** First line of what is signed, and the `type` of the seal around it. */
export const SNAPSHOT_TAG = 'omnigate/snapshot/1'
/** The file of a sealed folder that holds the snapshot. */
export const SNAPSHOT_FILE = 'snapshot.json'

/** Where a shared topic stands. */
export type ShareHead = {
  /** Statements that are known. */
  readonly count: number
  /** The highest number of any origin. */
  readonly highest: number
  readonly root: string
  /** SHA-256 of `omnigate/share/1`, LF and the share's id in hex: only who knows the id knows the share. */
  readonly share: string
}

export type SnapshotHeads = {
  /** The newest checkpoint of the audit log; none of a node without one. */
  readonly audit?: { readonly origin: string; readonly root: string; readonly size: number }
  readonly revocation: { readonly digest: string; readonly seq: number }
  /** In ascending order. */
  readonly shares: readonly ShareHead[]
}

/** A hub's word on where its federated state stands. @see specs/federation-snapshots.md, section 3 */
export type SnapshotStatement = {
  readonly created: number
  /** Of the delegation of `key`. */
  readonly epoch: number
  readonly expires: number
  readonly heads: SnapshotHeads
  readonly hub: string
  /** The Ed25519 public key that signs the snapshot and its seal, in hex. */
  readonly key: string
  /** SHA-256 in hex of each other file of the folder. */
  readonly manifests: Readonly<Record<string, string>>
  readonly node: string
  /** 0 for a node without one. */
  readonly policy_version: number
  /** The snapshot before; number 0 and zeros for the first. */
  readonly prev: { readonly seq: number; readonly sha256: string }
  readonly seq: number
}

export type Snapshot = Signed<SnapshotStatement>

const NO_DIGEST = '0'.repeat(64)
export const FIRST_PREV = { seq: 0, sha256: NO_DIGEST } as const

const manifests: Form<Readonly<Record<string, string>>> = (value, path, tell) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return tell(path, 'expected an object of paths')
  const entries = Object.entries(value)
  if (entries.length > SNAPSHOTS.manifests) return tell(path, `more than ${SNAPSHOTS.manifests} files`)
  // One folder, and none in it: what is made of it on a disk is the same everywhere.
  if (!entries.every(([named]) => isSealedPath(named) && !named.includes('/') && named !== SNAPSHOT_FILE))
    return tell(path, 'not a name')
  for (const [named, digest] of entries) forms.hex32(digest, `${path}.${named}`, tell)
  return value as Readonly<Record<string, string>>
}

const ordered: Form<readonly ShareHead[]> = (value, path, tell) => {
  const shares = listOf(
    exactly({ count: whole(0), highest: whole(0), root: forms.hex32, share: forms.hex32 }),
    SNAPSHOTS.shares
  )(value, path, tell)
  // What told of a problem above may be no row at all.
  if (shares?.some((row, n) => n > 0 && !((shares[n - 1]?.share ?? '') < (row?.share ?? ''))))
    return tell(path, 'not ascending')
  return shares
}

const HEADS = exactly(
  { revocation: exactly({ digest: forms.hex32, seq: whole(0) }), shares: ordered },
  {
    audit: exactly({
      origin: textOf(/^h1[a-z2-7]{52}\/[a-z0-9-]{1,63}\/[0-9a-f]{16}$/, 'the origin of a log'),
      root: forms.hex32,
      size: whole(0)
    })
  }
)

const FORM = exactly({
  created: forms.seconds,
  epoch: forms.epoch,
  expires: forms.seconds,
  heads: HEADS,
  hub: forms.hub,
  key: forms.hex32,
  manifests,
  node: forms.nodeName,
  policy_version: whole(0),
  prev: exactly({ seq: whole(0), sha256: forms.hex32 }),
  seq: whole(1)
})

const form: Form<SnapshotStatement> = (value, path, tell) => {
  const read = FORM(value, path, tell) as SnapshotStatement | undefined
  // What told of a problem above may lack these.
  const { seq, prev, created, expires } = (read ?? {}) as Partial<SnapshotStatement>
  if (seq === undefined || prev?.seq === undefined || created === undefined || expires === undefined)
    return read
  if (prev.seq >= seq) tell(`${path}.prev.seq`, 'not before seq')
  if ((prev.seq === 0) !== (prev.sha256 === NO_DIGEST)) tell(`${path}.prev`, 'half of a first one')
  if (expires <= created || expires > created + SNAPSHOTS.mostValidS)
    tell(`${path}.expires`, `not within ${SNAPSHOTS.mostValidS} s after created`)
  return read
}

export const SNAPSHOT: DelegatedKind<SnapshotStatement> = {
  tag: SNAPSHOT_TAG,
  maxChars: SNAPSHOTS.lineChars,
  role: 'snapshot',
  claim: ({ hub, key, epoch, created }) => ({ hub, key, epoch, at: created }),
  form
}

/** Of each number a node of a hub signs one snapshot. */
export const SNAPSHOT_PLACE = {
  kind: SNAPSHOT,
  place: ({ node, seq }: SnapshotStatement): string => `${node}/${seq}`
} as const

/** What `prev` of the next one names: SHA-256 of the line, without a line feed, in hex. */
export const snapshotDigest = (snapshot: Snapshot): string =>
  createHash('sha256').update(formatSigned(snapshot)).digest('hex')

const LIVES = 2 ** 20
/** So that a number stays whole, whatever a clock says. */
const MOST_S = 2 ** 32

/**
 * The number after the last one that is known, in a life of a hub: from one restore to the next, as the origin of its
 * audit log names it. Its lowest 20 bits are those of the life, so that hubs which go on from the same files, in one second
 * or beside a clock that is behind, do not give one number to two snapshots.
 */
export function nextSeq(last: number, nowS: number, life: string): number {
  const least = Math.max(last + 1, Math.min(nowS, MOST_S) * LIVES)
  const bits = createHash('sha256').update(life).digest().readUInt32BE() % LIVES
  return least + ((bits - (least % LIVES) + LIVES) % LIVES)
}

/** How others name a share that they know the id of. */
export const shareDigest = (id: string): string =>
  createHash('sha256').update(`omnigate/share/1\n${id}`).digest('hex')
