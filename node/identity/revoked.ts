import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  KEY_REVOCATION,
  type KeyRevocation,
  formatSigned,
  hubPublicKey,
  isStatementBy,
  isUsablePublicKey,
  parseSigned,
  revokeKey
} from '../../federation/index.ts'
import { auditEvent, commitment } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { readBoundedFile, replaceFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'
import type { StoppedKeys } from './stopped-keys.ts'

/** Beside the keys: which keys the hub has revoked, one signed statement a line, in the order of signing. */
const FILE = 'revoked.ndjson'
const MOST = 256
const MAX_BYTES = MOST * 2048

/** The keys that a hub has revoked. @throws SetupError `badInput` naming what is wrong with the file */
export async function readRevoked(folder: string, hub: string): Promise<readonly KeyRevocation[]> {
  const path = join(folder, FILE)
  if (!existsSync(path)) return []
  const text = await readBoundedFile(path, { maxBytes: MAX_BYTES })
  try {
    if (!text.endsWith('\n')) throw new SyntaxError('does not end with a line feed')
    const all = text
      .slice(0, -1)
      .split('\n')
      .map(line => parseSigned(KEY_REVOCATION, line))
    const problem = all.map(one => revocationProblem(one, hub)).find(found => found !== undefined)
    if (problem !== undefined) throw new SyntaxError(problem)
    return all
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SetupError('badInput', `${path}: damaged (${error.message}); restore it from a backup`)
  }
}

/** Why a revocation is not the word of a hub; undefined when it is. */
export function revocationProblem(revocation: KeyRevocation, hub: string): string | undefined {
  if (revocation.statement.hub !== hub) return `made by hub ${revocation.statement.hub}`
  const key = hubPublicKey(hub)
  return key !== undefined && isStatementBy(KEY_REVOCATION, revocation, key)
    ? undefined
    : `not signed by hub ${hub}`
}

/** What it takes to revoke a key, of a stopped node or of one that runs. */
export interface RevokingKeys extends Pick<StoppedKeys, 'keys' | 'hubKey' | 'nowMs'> {
  readonly folder: Pick<StoppedKeys['folder'], 'keys'>
  readonly log: { append(event: AuditEvent): Promise<unknown> }
}

/**
 * Revokes a key, in hex, in every role and on every node, for ever: what it signed is refused by who sees it first after
 * they have heard of this. Resolves once that would survive a power cut.
 * @throws SetupError `failed` when it is revoked already or there are too many, `usage` for what cannot be revoked
 */
export async function revokeNodeKey(
  hub: RevokingKeys,
  { key, reason = '' }: { readonly key: string; readonly reason?: string }
): Promise<KeyRevocation> {
  const { folder, keys, hubKey, log, nowMs } = hub
  const revoked = await readRevoked(folder.keys, keys.hubId)
  if (!isUsablePublicKey(Buffer.from(key, 'hex')))
    throw new SetupError('usage', `${key}: not an Ed25519 public key in hex`)
  if (key === Buffer.from(keys.hubPublicKey).toString('hex'))
    throw new SetupError(
      'usage',
      `${key}: is the hub key itself, which another one takes the place of: key succeed`
    )
  if (isAmong(revoked, key)) throw new SetupError('failed', `${key}: is revoked already`)
  if (revoked.length >= MOST)
    throw new SetupError('failed', `${MOST} keys are revoked, as many as a peer remembers of one hub`)
  const at = Math.floor(nowMs / 1000)
  const revocation = revokeKey(hubKey.key, { at, hub: keys.hubId, key, reason })
  await log.append(
    auditEvent('key_revocation', 'local', { key_sha256: commitment(key), reason_sha256: commitment(reason) })
  )
  const lines = [...revoked, revocation].map(one => `${formatSigned(one)}\n`)
  await replaceFile(join(folder.keys, FILE), lines.join(''))
  return revocation
}

/** @throws SetupError `failed` for a key, in hex, that is revoked: nobody takes a delegation to it any more. */
export async function refuseRevoked(
  { folder, keys }: StoppedKeys,
  key: string,
  wayOut: string
): Promise<void> {
  if (isAmong(await readRevoked(folder.keys, keys.hubId), key))
    throw new SetupError('failed', `${key}: this key is revoked; ${wayOut}`)
}

const isAmong = (revoked: readonly KeyRevocation[], key: string): boolean =>
  revoked.some(({ statement }) => statement.key === key)
