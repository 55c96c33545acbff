import { adminService, serviceDirectory } from '../../protocols/index.ts'
import type { Handlers, Service, hardenAdminOperations } from '../../protocols/index.ts'
import type { FederationAdmin } from '../allowlist/index.ts'
import type { BlobsAdmin, DhtAdmin } from '../blobs/index.ts'
import type { BackupSources } from '../backup/index.ts'
import { capabilityAdmin } from '../capabilities/index.ts'
import type { Capabilities } from '../capabilities/index.ts'
import type { LinksAdmin } from '../links/index.ts'
import type { PolicyAdmin } from '../policy/index.ts'
import type { SnapshotsAdmin } from '../snapshots/index.ts'
import { AdminListener } from '../admin/admin-listener.ts'
import { adminSocketPath } from '../admin/socket-path.ts'
import { parseHostPort } from '../config/index.ts'
import { echo } from '../handlers/echo.ts'
import { readOnlyOperator } from '../guards/read-only.ts'
import { startHttp } from '../http/index.ts'
import type { HttpListener, HttpRoutes, HttpSources } from '../http/index.ts'
import type { WitnessAdmin } from '../witness/index.ts'
import { readinessOf } from '../readiness.ts'
import type { NodeStatus } from '../status.ts'
import { auditAdmin } from './audit-admin.ts'
import type { NodeBase } from './base.ts'
import { hostsOf } from './http-access.ts'
import type { Identity } from './identity.ts'
import { isMirror } from './mirror.ts'
import type { HostSessions } from './sessions.ts'
import { SURFACE_BOUNDS } from './surface-bounds.ts'

/** Serves the operator on a socket in the data folder; a node without one has none. */
export async function serveAdmin(
  { config, supervise }: NodeBase,
  { folder }: Identity,
  { hostSessions, services }: { readonly hostSessions: HostSessions; readonly services: readonly Service[] }
): Promise<void> {
  if (folder === undefined) return
  const guard = isMirror(config) ? readOnlyOperator : undefined
  const host = hostSessions(serviceDirectory([echo, ...services]), guard)
  const admin = new AdminListener(adminSocketPath(folder.folder), host)
  await supervise({
    service: 'admin',
    crashReason: 'crash_listener',
    run: (started, signal) => admin.run(started, signal)
  })
}

/** What the operator's commands ask of a running node. */
export const operatorService = (
  status: () => NodeStatus,
  capabilities: Capabilities,
  sources: () => BackupSources,
  hardening: Handlers<typeof hardenAdminOperations>,
  federation: FederationAdmin &
    LinksAdmin &
    PolicyAdmin &
    DhtAdmin &
    BlobsAdmin &
    WitnessAdmin &
    SnapshotsAdmin
): Service => ({
  table: adminService,
  handlers: {
    status: () => ({ ...status() }),
    ...capabilityAdmin(capabilities),
    ...auditAdmin(sources),
    ...hardening,
    ...federation
  } as Service['handlers']
})

export interface HttpServed {
  readonly routes: readonly (HttpRoutes | undefined)[]
  readonly onRefused: NonNullable<HttpSources['onRefused']>
}

export interface HttpServing {
  /** Waits until no request is under way, for at most `ms`, and serves on meanwhile; yields how many were then. */
  idle(ms: number): Promise<number>
}

/** Serves health, readiness, metrics and what `routes` add, if the configuration says so; after a crash on the port that it had. */
export async function serveHttp(
  { config, log, metrics, state, supervise }: NodeBase,
  { routes: all, onRefused }: HttpServed
): Promise<HttpServing> {
  let open: HttpListener | undefined
  const serving: HttpServing = { idle: ms => open?.idle(ms) ?? Promise.resolve(0) }
  if (!config.http.enabled) return serving
  const sources: HttpSources = {
    readiness: () => readinessOf(state),
    metrics,
    routes: (app, url) => all.forEach(add => add?.(app, url)),
    onRefused,
    hosts: hostsOf(config),
    proxies: config.gateway.trusted_proxies,
    bounds: config.gateway.enabled ? SURFACE_BOUNDS : {},
    onError: (err, requestId) =>
      log.error({ event: 'HttpFailed', err, request_id: requestId }, 'a request over HTTP failed')
  }
  let address = parseHostPort(config.http.listen)!
  await supervise({
    service: 'http',
    crashReason: 'crash_listener',
    async run(started, signal) {
      await using http = await startHttp(address, sources)
      address = { ...address, port: http.port }
      state.httpUrl = http.url
      open = http
      started()
      await http.serve(signal).finally(() => (state.httpUrl = open = undefined))
    }
  })
  return serving
}
