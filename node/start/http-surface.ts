import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { openApi } from '../http/index.ts'
import type { HttpRoutes, RouteRow } from '../http/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import type { NodeStatus } from '../status.ts'
import { VERSION } from '../version.ts'
import { openAms, servesAms } from './ams.ts'
import type { AmsPlace } from './ams.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import { openCalls } from './calls.ts'
import type { CallsPlace } from './calls.ts'
import { chargeOf, gatewayRoutes } from './gateway.ts'
import { handshakeParts } from './handshake.ts'
import type { HandshakePlace } from './handshake.ts'
import type { Hardenable } from './harden-admin.ts'
import { HARDENED_MANIFESTS } from './hardened-manifests.ts'
import { openHttpAccess } from './http-access.ts'
import type { HttpAccessPlace } from './http-access.ts'
import type { Identity } from './identity.ts'
import { openManifests } from './manifests.ts'
import { serveHttp } from './operator.ts'
import type { HttpServing } from './operator.ts'
import type { Peers } from './peers.ts'
import { openProofs } from './proofs.ts'
import type { NodeSnapshots } from './snapshots.ts'
import type { NodeStorage } from './storage.ts'

/** Something that is served over HTTP. */
export interface HttpPart {
  readonly routes: HttpRoutes
  /** What stands of it in `/openapi.json`. */
  readonly rows: readonly RouteRow[]
}

export interface SurfacePlace
  extends
    Omit<AmsPlace, 'audit' | 'signatures' | 'handshake' | 'proofs' | 'tokens'>,
    Omit<HandshakePlace, 'audit'>,
    Pick<HttpAccessPlace, 'rights'>,
    Pick<CallsPlace, 'host'> {
  readonly audit: NodeAudit
  readonly signers: Pick<NodeSigners, 'of'>
  readonly storage: NodeStorage
  readonly peers: Peers
  readonly snapshots: NodeSnapshots
  readonly status: () => NodeStatus
  readonly env: HttpAccessPlace['env']
}

/** Below these callers are counted as strangers are, and need no token. Everything else is let in by the access rules. */
const STRANGERS_ROOTS = ['/ipfs/', '/routing/v1/', '/snapshots/v1/'] as const
/** Of snapshots where there are no manifests. */
const KEY_OF_SNAPSHOTS = '/.well-known/minisign.pub'

/**
 * All that a node serves over HTTP, in the order in which it is added: who is let in, then each part. A new part is one line
 * in `parts`; its routes say by `config: { role }` who may call them, and have `caller` and `clientIp` of each request.
 */
export async function serveSurface(
  base: NodeBase,
  identity: Identity,
  place: SurfacePlace
): Promise<HttpServing & Hardenable> {
  const { peers, storage, snapshots, status } = place
  const hasManifests = servesAms(base.config)
  const isOurs = (pattern = ''): boolean =>
    !STRANGERS_ROOTS.some(root => pattern.startsWith(root)) && (hasManifests || pattern !== KEY_OF_SNAPSHOTS)
  const access = await openHttpAccess(base, identity, { ...place, isOurs })
  const proofs = hasManifests ? await openProofs(base, identity, place) : undefined
  const manifests = openManifests(base, identity, { ...place, proofs })
  const { signatures } = manifests
  const ams =
    proofs &&
    (await openAms(base, identity, {
      ...place,
      proofs,
      handshake: handshakeParts(place),
      tokens: access.tokenParts,
      signatures
    }))
  const parts: readonly (HttpPart | undefined)[] = [
    // A mirror refuses writes before anybody looks at what they are about.
    part(
      hasManifests ? SNAPSHOTS : [...SNAPSHOTS, KEY],
      snapshots.routes(chargeOf(peers), { hasKey: !hasManifests })
    ),
    part(BLOBS, gatewayRoutes(base, peers, storage, status)),
    ams,
    openCalls(base, identity, { ...place, onTokensEnded: access.onTokensEnded })
  ]
  const served = parts.filter(one => one !== undefined)
  const said = ams === undefined ? [] : manifests.rows
  const rows = [...OPERATIONS, ...served.flatMap(one => one.rows), ...said]
  const routes = [
    access.routes,
    ams && manifests.routes({ parts: ams.parts, rates: access.rates, rows }),
    ...served.map(({ routes }) => routes),
    (app: FastifyInstance, url: () => string) => {
      // Anybody may ask for it as often as it likes, so it is made once.
      let text: string | undefined
      app.get('/openapi.json', (_, reply) => {
        text ??= JSON.stringify(openApi({ version: VERSION, url: url(), rows }))
        return reply.type('application/json; charset=utf-8').send(text)
      })
    }
  ]
  const serving = await serveHttp(base, { routes, onRefused: access.refused })
  return {
    ...serving,
    tokens: access.tokens,
    manifests: async isAnew => {
      const given = manifests.given()
      const files = await (isAnew ? given?.renewed() : given?.files())
      if (files === undefined) return undefined
      const all = HARDENED_MANIFESTS.flatMap(name => [name, `${name}.minisig`])
      const texts = all.map(name => [name, files.get(name)?.bytes.toString()])
      return Object.fromEntries(texts.filter(([, text]) => text !== undefined))
    }
  }
}

const part = (rows: readonly RouteRow[], routes: HttpRoutes | undefined): HttpPart | undefined =>
  routes && { rows, routes }

const read = (path: string, summary: string, more: Partial<RouteRow> = {}): RouteRow => ({
  method: 'GET',
  path,
  role: 'none',
  isUncharged: true,
  takes: 'nothing',
  maxBodyBytes: 0,
  query: Type.Object({}),
  statuses: [200],
  summary,
  ...more
})

const NAMES = Type.Array(Type.String())
const READINESS = Type.Object({
  ready: Type.Boolean(),
  missing: NAMES,
  degraded: NAMES,
  retry_after: Type.Optional(Type.Integer())
})

/** What the listener itself serves. */
const OPERATIONS: readonly RouteRow[] = [
  read('/healthz', 'Whether the process lives.'),
  read('/readyz', 'Whether the node takes calls, and what it lacks.', {
    statuses: [200, 503],
    gives: READINESS
  }),
  read('/metrics', 'Metrics for Prometheus; for other machines with a token.', { gives: 'text/plain' }),
  read('/openapi.json', 'This document.')
]

const SNAPSHOTS: readonly RouteRow[] = [
  read('/snapshots/v1/newest', 'The newest snapshot of this hub, or of the core of a mirror.'),
  read('/snapshots/v1/{seq}/{name}', 'A file of a snapshot, as it was sealed.', { gives: 'text/plain' })
]

const KEY: RouteRow = read(KEY_OF_SNAPSHOTS, 'The key that signs snapshots.', { gives: 'text/plain' })

const BLOBS: readonly RouteRow[] = [
  read('/ipfs/{cid}', 'A public blob, as a trustless gateway gives it.', {
    query: Type.Object({
      format: Type.Optional(Type.Enum(['raw', 'car'])),
      'dag-scope': Type.Optional(Type.Enum(['block', 'entity', 'all'])),
      'entity-bytes': Type.Optional(Type.String())
    }),
    statuses: [200, 206, 304],
    gives: 'application/vnd.ipld.raw'
  }),
  read('/routing/v1/providers/{cid}', 'Who has a public blob.')
]
