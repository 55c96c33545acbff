import { join } from 'node:path'
import type { Delegation, Role } from '../../federation/index.ts'
import { delegatedKey } from '../../federation/index.ts'
import { type AuditLog, auditEvent, commitment } from '../audit/index.ts'
import { type DataFolder, openDataFolder } from '../data-folder.ts'
import { type HubKeyGiven, openHubKey } from '../hub-key.ts'
import { KEY_FILES, type NodeKeys, loadKeys } from '../keys.ts'
import type { MinisignSecretKey } from '../minisign.ts'
import { openAuditLog } from '../start/audit-part.ts'
import { auditLogPlace } from '../start/audit.ts'

/** The keys of a stopped node, with the hub key to sign for new ones and the log that such a change is recorded in. */
export interface StoppedKeys extends AsyncDisposable {
  readonly folder: DataFolder
  /** As they were when they were opened. */
  readonly keys: NodeKeys
  readonly hubKey: MinisignSecretKey
  readonly log: AuditLog
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

export interface StoppedKeysOptions {
  readonly hubKey?: HubKeyGiven | undefined
  readonly nowMs: number
}

/**
 * Takes the data folder of a stopped node to change its keys; a delegation that has expired is no obstacle. Ends with
 * `await using`.
 * @throws SetupError `inUse` when a node runs on it, else as `openHubKey`, `loadKeys` and `AuditLog.open`
 */
export async function openKeys(path: string, { hubKey, nowMs }: StoppedKeysOptions): Promise<StoppedKeys> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await openDataFolder(path))
  const keys = await loadKeys(folder.keys, { nowMs, atAnyTime: true })
  const { secretKey } = await openHubKey(folder.keys, keys.hubPublicKey, hubKey)
  const log = opened.use(await openAuditLog(auditLogPlace(folder, keys, async () => secretKey)))
  const owned = opened.move()
  return {
    folder,
    keys,
    hubKey: secretKey,
    log,
    nowMs,
    [Symbol.asyncDispose]: () => owned.disposeAsync()
  }
}

export const keyFile = ({ folder }: StoppedKeys, file: keyof typeof KEY_FILES): string =>
  join(folder.keys, KEY_FILES[file])

/**
 * Records that the hub key has signed a delegation; before anything of it lies anywhere, since a signature that nobody
 * uses does no harm and one that nobody recorded would.
 */
export async function recordDelegation({ log }: StoppedKeys, delegation: Delegation<Role>): Promise<void> {
  const { role, epoch, node, not_after } = delegation.statement
  const key = Buffer.from(delegatedKey(delegation.statement) ?? []).toString('hex')
  await log.append(
    auditEvent('delegation', 'local', {
      role,
      epoch,
      key_sha256: commitment(key),
      node_sha256: commitment(node),
      not_after_s: not_after
    })
  )
}
