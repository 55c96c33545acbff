import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { ErrorCode } from '../../protocols/index.ts'
import { AuditNames, auditEvent } from '../audit/index.ts'
import type { AuditEvent, CallIds, EventData, EventType, NamedService, Outcome } from '../audit/index.ts'
import type { CapabilityAudit, CapabilityEvent } from '../capabilities/index.ts'
import { configLeaves } from '../config/schema.ts'
import type { Config } from '../config/index.ts'
import type { DataFolderPaths } from '../data-folder.ts'
import { readHubKey } from '../hub-key.ts'
import type { NodeKeys } from '../keys.ts'
import type { MinisignSecretKey } from '../minisign.ts'
import { VERSION } from '../version.ts'
import { ConfigStore } from '../stores/config-store.ts'
import type { NodeStore } from '../stores/node-store.ts'
import { AuditPart } from './audit-part.ts'
import type { AuditLogPlace } from './audit-part.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

const COUNT_EVERY_MS = 1000
const DAY_MS = 86_400_000

/** The parts whose crashes are recorded by name; an application's own are `unknown`. */
const PARTS = [
  'store',
  'audit',
  'capabilities',
  'sessions',
  'pressure',
  'peers',
  'admin',
  'http',
  'mailbox',
  'links',
  'storage',
  'snapshots',
  'ams'
]

/** What is recorded in the audit log. A node without a data folder has none, and records nothing. */
export interface NodeAudit extends CapabilityAudit {
  readonly part: AuditPart | undefined
  /** Resolves once it would survive a power cut. */
  append(event: AuditEvent): Promise<void>
  /** The refusal of a caller who proved a token; undefined where there is no log. */
  refused(actor: string, outcome: Outcome, ids: CallIds): Promise<void> | undefined
}

const nothing: NodeAudit = {
  part: undefined,
  append: () => Promise.resolve(),
  refused: () => undefined,
  record: () => Promise.resolve()
}

/** Where the audit log of a data folder lies, and by whose keys it is made. */
export const auditLogPlace = (
  folder: DataFolderPaths,
  { hubId, delegation }: NodeKeys,
  hubKey: () => Promise<MinisignSecretKey | undefined> = () => readHubKey(folder.keys)
): AuditLogPlace => ({
  folder: join(folder.folder, 'audit'),
  hubId,
  nodeName: delegation.statement.node,
  hubKey: async () => (await hubKey())?.key
})

/** The life that the log is opened for. */
export interface Life {
  readonly store: NodeStore
  /** How often the data folder was started. */
  readonly boot: number
  /** Whose calls are counted by name. */
  readonly services: readonly NamedService[]
}

/**
 * Opens the audit log of the data folder and counts into it what happens to calls. Its first entry of this life says
 * that the node starts, by which version and with which configuration; its last, that it stops.
 */
export async function openAudit(
  base: NodeBase,
  { folder, keys }: Identity,
  { store, boot, services }: Life
): Promise<NodeAudit> {
  if (folder === undefined) return nothing
  const { config, log, started, supervise } = base
  const values = configValues(config)
  const configs = new ConfigStore(store.level)
  const change = configChange(await configs.last(), values)
  const start = auditEvent('start', 'node', { version: VERSION, boot, config_sha256: digest(values) })
  const { retentionDays, maxEntries, maxBytes } = config.audit
  const names = new AuditNames(services, PARTS)
  const part = new AuditPart({
    ...auditLogPlace(folder, keys),
    names,
    retention: { maxAgeMs: retentionDays * DAY_MS, maxEntries, maxBytes },
    first: change === undefined ? [start] : [start, change],
    last: () => stopEvent(base)
  })
  await supervise({
    service: 'audit',
    crashReason: 'crash_store',
    run: (ready, signal) => part.run(ready, signal)
  })
  await configs.keep(values)
  // While the log is not open, counts wait for it.
  const drain = (): void => {
    if (part.isOpen) base.counts.drain((outcome, times) => part.count(outcome, times))
  }
  const timer = setInterval(drain, COUNT_EVERY_MS).unref()
  started.defer(() => {
    clearInterval(timer)
    drain()
  })
  base.onCrash.push((service, reason, restarts) => {
    const crash = names.crash({ part: service, reason, restarts, at_ms: Date.now() })
    part.appendLate(crash).catch((err: unknown) => {
      log.warn({ event: 'AuditMissed', part: service, err }, 'a crash could not be recorded')
    })
  })
  const measured = (write: () => Promise<void>): Promise<void> => base.storeLatency.measure(write)
  return {
    part,
    append: recorded => measured(() => part.append(recorded)),
    refused: (actor, outcome, ids) => part.refused(actor, outcome, ids),
    record: recorded => measured(() => part.append(capabilityEvent(recorded)))
  }
}

function stopEvent({ startedAt, state }: NodeBase): AuditEvent {
  const cause = state.isStarted ? 'operator' : 'failure'
  return auditEvent('stop', 'node', { cause, uptime_ms: Math.max(0, Date.now() - startedAt) })
}

/** That the configuration is another than at the last start: which keys, never what they hold. */
export function configChange(before: Values | undefined, after: Values): AuditEvent | undefined {
  const change = before && changeOf(before, after)
  return change && auditEvent('config_change', 'local', change)
}

/** Which keys hold something else; undefined where none does. */
export function changeOf(before: Values, after: Values): EventData<'config_change'> | undefined {
  const keys = configLeaves.map(({ path }) => path).filter(path => before[path] !== after[path])
  if (keys.length === 0) return undefined
  return { keys, before_sha256: digest(before), after_sha256: digest(after) }
}

type Values = Readonly<Record<string, string>>

/** Each key with its value as JSON. */
export const configValues = (config: Config): Values =>
  Object.fromEntries(
    configLeaves.map(({ section, key, path }) => [
      path,
      JSON.stringify((config as unknown as Record<string, Record<string, unknown>>)[section]![key])
    ])
  )

const digest = (values: Values): string => createHash('sha256').update(JSON.stringify(values)).digest('hex')

/** The log's events name root keys by number. */
export function capabilityEvent({ type, actor, corrId, data }: CapabilityEvent): AuditEvent {
  return auditEvent<EventType>(
    type,
    actor,
    data as EventData<EventType>,
    corrId === undefined ? {} : { corrId }
  )
}

export type CrashListener = (service: string, reason: ErrorCode, restarts: number) => void
