import { auditAdminOperations, auditService } from '../../protocols/index.ts'
import type { AuditClient } from '../admin/admin-client.ts'
import type { Capabilities } from '../capabilities/index.ts'
import { SteadyClock, directOver, openCapabilities } from '../capabilities/index.ts'
import type { CapabilityWarning } from '../capabilities/index.ts'
import { auditOver } from '../audit/index.ts'
import type { AuditLog } from '../audit/index.ts'
import type { Config } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import type { DataFolderPaths } from '../data-folder.ts'
import { type HubKeyGiven, openHubKey } from '../hub-key.ts'
import { loadKeys } from '../keys.ts'
import type { NodeKeys } from '../keys.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { auditAdmin } from './audit-admin.ts'
import { auditLogPlace, capabilityEvent } from './audit.ts'
import { openAuditLog } from './audit-part.ts'
import { configured } from './capabilities.ts'

/** What a hub keeps, opened while its node does not run. */
export interface StoppedHub extends AsyncDisposable {
  readonly folder: DataFolderPaths
  readonly keys: NodeKeys
  readonly level: Level
  readonly log: AuditLog
  readonly capabilities: Capabilities
}

export interface StoppedHubOptions {
  readonly config: Config
  /** To sign with; asked for before anything else is opened. Without it only a hub key that lies open here signs. */
  readonly hubKey?: HubKeyGiven | undefined
  /** Hears what was repaired while opening. */
  readonly warn?: (warning: CapabilityWarning) => void
}

/** The operator's rows about the audit log and backups, answered by this process. */
export function directAudit(hub: StoppedHub): AuditClient {
  return {
    log: directOver(auditService.operations, auditOver(hub.log).handlers),
    admin: directOver(
      auditAdminOperations,
      auditAdmin(() => hub)
    )
  }
}

/**
 * Takes the data folder of a stopped node and opens what its operator's commands work on; all that they change is
 * recorded in the audit log before it is answered, as in a running node. Ends with `await using`.
 * @throws SetupError `inUse` (names the process that holds the folder), `noInput`, `badInput`, `permission`, `newerFormat`.
 */
export async function openStopped(
  path: string,
  { config, hubKey, warn }: StoppedHubOptions
): Promise<StoppedHub> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await openDataFolder(path))
  const keys = await loadKeys(folder.keys, { nowMs: Date.now(), atAnyTime: true })
  const signing = hubKey && (await openHubKey(folder.keys, keys.hubPublicKey, hubKey)).secretKey
  const level = await openLevel(folder.store)
  opened.defer(() => level.close())
  const log = opened.use(await openAuditLog(auditLogPlace(folder, keys, signing && (async () => signing))))
  const capabilities = await openCapabilities({
    folder,
    keys,
    ...(signing && { hubKey: signing }),
    ...configured(config),
    level: () => level,
    clock: new SteadyClock(),
    audit: { record: async event => void (await log.append(capabilityEvent(event))) },
    ...(warn && { warn })
  })
  const owned = opened.move()
  return { folder, keys, level, log, capabilities, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
