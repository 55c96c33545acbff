import Type from 'typebox'
import { openApi } from '../http/index.ts'
import type { HttpRoutes, RouteRow } from '../http/index.ts'
import type { NodeStatus } from '../status.ts'
import { VERSION } from '../version.ts'
import { openAms } from './ams.ts'
import type { AmsPlace } from './ams.ts'
import type { NodeBase } from './base.ts'
import { chargeOf, gatewayRoutes } from './gateway.ts'
import { openHttpAccess } from './http-access.ts'
import type { HttpAccessPlace } from './http-access.ts'
import type { Identity } from './identity.ts'
import { serveHttp } from './operator.ts'
import type { Peers } from './peers.ts'
import type { NodeSnapshots } from './snapshots.ts'
import type { NodeStorage } from './storage.ts'

/** Something that is served over HTTP. */
export interface HttpPart {
  readonly routes: HttpRoutes
  /** What stands of it in `/openapi.json`. */
  readonly rows: readonly RouteRow[]
}

export interface SurfacePlace extends Omit<AmsPlace, 'writeMode'>, Pick<HttpAccessPlace, 'rights'> {
  readonly storage: NodeStorage
  readonly peers: Peers
  readonly snapshots: NodeSnapshots
  readonly status: () => NodeStatus
  readonly env: HttpAccessPlace['env']
}

/** Below these callers are counted as strangers are, and need no token. Everything else is let in by the access rules. */
const STRANGERS_ROOTS = ['/ipfs/', '/routing/v1/', '/snapshots/v1/', '/.well-known/minisign.pub'] as const

const isOurs = (pattern = ''): boolean => !STRANGERS_ROOTS.some(root => pattern.startsWith(root))

/**
 * All that a node serves over HTTP, in the order in which it is added: who is let in, then each part. A new part is one line
 * in `parts`; its routes say by `config: { role }` who may call them, and have `caller` and `clientIp` of each request.
 */
export async function serveSurface(base: NodeBase, identity: Identity, place: SurfacePlace): Promise<void> {
  const { peers, storage, snapshots, status } = place
  const access = await openHttpAccess(base, identity, { ...place, isOurs })
  const parts: readonly (HttpPart | undefined)[] = [
    await openAms(base, identity, { ...place, writeMode: access.writeMode })
  ]
  const served = [OPERATIONS, ...parts.filter(part => part !== undefined)]
  const rows = served.flatMap(part => part.rows)
  await serveHttp(base, [
    access.routes,
    // A mirror refuses writes before anybody looks at what they are about.
    snapshots.routes(chargeOf(peers)),
    gatewayRoutes(base, peers, storage, status),
    ...served.map(({ routes }) => routes),
    (app, url) => void app.get('/openapi.json', () => openApi({ version: VERSION, url: url(), rows }))
  ])
}

const about = (path: string, summary: string, statuses: readonly number[], gives?: string): RouteRow => ({
  method: 'GET',
  path,
  role: 'none',
  isUncharged: true,
  takes: 'nothing',
  maxBodyBytes: 0,
  query: Type.Object({}),
  statuses,
  summary,
  ...(gives !== undefined && { gives })
})

/** What the listener itself serves. */
const OPERATIONS: HttpPart = {
  rows: [
    about('/healthz', 'Whether the process lives.', [200]),
    about('/readyz', 'Whether the node takes calls, and what it lacks.', [200, 503]),
    about('/metrics', 'Metrics for Prometheus; from another machine with a token.', [200], 'text/plain'),
    about('/openapi.json', 'This document.', [200])
  ],
  routes: () => undefined
}
