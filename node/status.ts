import type { JsonObject } from '../protocols/index.ts'
import type { Admission, Transport } from '../transport/index.ts'
import type { NodeBudget } from './admission/inbound-budget.ts'
import type { Config } from './config/index.ts'
import type { DataFolderPaths } from './data-folder.ts'
import type { NodeKeys } from './keys.ts'
import type { SessionHost } from './listener/session-host.ts'
import { readinessOf } from './readiness.ts'
import type { NodeState } from './readiness.ts'
import type { WriteGate } from './start/write-gate.ts'
import { VERSION } from './version.ts'

/** What a running node says of itself, as JSON. Times are in whole seconds, sizes in bytes. */
export interface NodeStatus extends JsonObject {
  readonly hub_id: string
  readonly peer_id: string
  readonly node: string
  readonly version: string
  readonly addresses: readonly string[]
  /** Nobody beyond the own network can dial any of them. */
  readonly only_private_addresses: boolean
  readonly http: string | null
  readonly data: string | null
  readonly ready: boolean
}

export interface StatusSources {
  readonly config: Config
  readonly keys: NodeKeys
  readonly transport: Transport
  readonly admission: Admission
  readonly host: SessionHost
  readonly budget: NodeBudget
  readonly state: NodeState
  readonly writes: Pick<WriteGate, 'mode'>
  readonly boot: number
  readonly startedAt: number
  readonly folder: DataFolderPaths | undefined
  readonly apps: readonly number[]
  /** How far a mirror is behind its core; undefined for a core. */
  readonly lagS: number | undefined
}

export function statusOf(s: StatusSources): NodeStatus {
  const { missing, degraded } = readinessOf(s.state)
  const addresses = s.transport.getMultiaddrs().map(String)
  return {
    hub_id: s.keys.hubId,
    peer_id: s.keys.peerId,
    node: s.config.node.name,
    ...(s.lagS !== undefined && { mirror_of: s.config.mirror.core, mirror_lag_s: s.lagS }),
    version: VERSION,
    pid: process.pid,
    boot: s.boot,
    uptime_s: Math.floor((Date.now() - s.startedAt) / 1000),
    addresses,
    only_private_addresses: addresses.every(isPrivate),
    http: s.state.httpUrl ?? null,
    http_writes: writesOver(s),
    data: s.folder?.folder ?? null,
    ready: missing.length === 0,
    missing: [...missing],
    degraded: [...degraded],
    shedding: s.state.pressure?.shedding ?? 'nothing',
    pressure: wholeNumbers(s.state.pressure?.values ?? {}),
    apps: [...s.apps],
    connections: s.transport.getConnections().length,
    strangers: s.admission.strangers,
    strangers_waiting: s.admission.valve.waiting,
    sessions: s.host.sessions,
    calls: s.host.callsOpen,
    inbound_held_bytes: s.budget.all.heldBytes,
    memory_bytes: process.memoryUsage.rss(),
    parts: s.state.parts.map(part => ({ ...part.status }))
  }
}

/** Whether callers of AMS need a token to write; null where it is not served. */
const writesOver = ({ config, writes, state: { httpUrl } }: StatusSources): 'open' | 'token' | null =>
  httpUrl === undefined || !config.gateway.enabled || config.node.role === 'mirror' ? null : writes.mode

/** A JSON answer may hold no fractions. */
const wholeNumbers = (values: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Math.round(value)]))

const PRIVATE = /^\/(ip4\/(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\.|ip6\/(::1|fe80|f[cd]))/

const isPrivate = (address: string): boolean => PRIVATE.test(address)
