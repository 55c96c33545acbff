import type { KeyObject } from 'node:crypto'
import { formatSigned, signStatement } from '../statement.ts'
import type { Files } from './opening.ts'
import { SEAL_FILE, SIGNATURE_FILE } from './paths.ts'
import { sealOf, sealedItem } from './seal.ts'
import {
  SNAPSHOT,
  SNAPSHOT_FILE,
  SNAPSHOT_TAG,
  type Snapshot,
  type SnapshotStatement,
  snapshotDigest
} from './snapshot.ts'

/** What signs for a snapshot: its key, and how that seals a file as minisign does. */
export interface SnapshotSigner {
  readonly key: KeyObject
  readonly seal: (content: Uint8Array) => string
}

export interface SealedSnapshot {
  readonly snapshot: Snapshot
  readonly sha256: string
  /** The whole folder. */
  readonly files: Files
}

/** The sealed folder of a snapshot, with the files beside it that it names. @throws RangeError, SyntaxError for what is none */
export function sealSnapshot(
  statement: Omit<SnapshotStatement, 'manifests'>,
  others: ReadonlyMap<string, string>,
  { key, seal }: SnapshotSigner
): SealedSnapshot {
  const beside = [...others].map(([path, text]) => [path, Buffer.from(text)] as const)
  const manifests = Object.fromEntries(beside.map(([path, bytes]) => [path, sealedItem(path, bytes).sha256]))
  const snapshot = signStatement(SNAPSHOT, key, { ...statement, manifests })
  const content: readonly (readonly [string, Uint8Array])[] = [
    ...beside,
    [SNAPSHOT_FILE, Buffer.from(`${formatSigned(snapshot)}\n`)]
  ]
  const items = content.map(([path, bytes]) => sealedItem(path, bytes))
  const sealed = Buffer.from(sealOf(SNAPSHOT_TAG, statement.created, items).text)
  const files = new Map([
    ...content,
    [SEAL_FILE, sealed] as const,
    [SIGNATURE_FILE, Buffer.from(seal(sealed))] as const
  ])
  return { snapshot, sha256: snapshotDigest(snapshot), files }
}
