import { delegate } from '../delegation.ts'
import type { Delegation } from '../delegation.ts'
import { isSignedBy, publicBytes, signBytes, signingKey, verifyingKey } from '../ed25519.ts'
import { hubId } from '../hub-id.ts'
import { keyRecordLine } from '../key-record.ts'
import { type SealedSnapshot, sealSnapshot } from './making.ts'
import type { Files, IsSealedBy } from './opening.ts'
import { FIRST_PREV, type SnapshotStatement } from './snapshot.ts'

export const NOW_S = 1_795_000_000
export const hubKey = signingKey(Buffer.alloc(32, 1))
export const HUB = hubId(publicBytes(hubKey))
export const snapshotKey = signingKey(Buffer.alloc(32, 2))
export const KEY = hex(publicBytes(snapshotKey))
const ORIGIN = `${HUB}/node1/00000000000000aa`

export const delegation: Delegation<'snapshot'> = delegate<'snapshot'>(hubKey, {
  hub: HUB,
  node: 'node1',
  role: 'snapshot',
  key: KEY,
  epoch: 1,
  not_before: NOW_S - 1000,
  not_after: NOW_S + 1_000_000
})

export const keysText = `${keyRecordLine({ kind: 'delegation', record: delegation })}\n`

/** Stands for minisign, which this folder does not know. */
export const isSealed: IsSealedBy = (key, content, signature) => {
  const bytes = Buffer.from(signature, 'base64')
  const isCanonical = bytes.toString('base64') === signature
  return isCanonical && isSignedBy(verifyingKey(Buffer.from(key, 'hex')), content, bytes)
}

type Statement = Omit<SnapshotStatement, 'manifests'>

export const statementOf = (changes: Partial<Statement> = {}): Statement => ({
  created: NOW_S,
  epoch: 1,
  expires: NOW_S + 86_400,
  heads: {
    audit: { origin: ORIGIN, root: 'ab'.repeat(32), size: 10 },
    revocation: { digest: '00'.repeat(32), seq: 3 },
    shares: []
  },
  hub: HUB,
  key: KEY,
  node: 'node1',
  policy_version: 0,
  prev: FIRST_PREV,
  seq: 7,
  ...changes
})

/** A sealed snapshot with the file of keys beside it. */
export const sealed = (
  changes: Partial<Statement> = {},
  others: Readonly<Record<string, string>> = { 'keys.ndjson': keysText }
): SealedSnapshot =>
  sealSnapshot(statementOf(changes), new Map(Object.entries(others)), {
    key: snapshotKey,
    seal: content => hex(signBytes(snapshotKey, content), 'base64')
  })

/** The same files with some in the place of others, or gone. */
export function withFiles(files: Files, changes: Readonly<Record<string, string | undefined>>): Files {
  const all = new Map(files)
  for (const [path, text] of Object.entries(changes))
    if (text === undefined) all.delete(path)
    else all.set(path, Buffer.from(text))
  return all
}

function hex(bytes: Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return Buffer.from(bytes).toString(encoding)
}
