import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import Type from 'typebox'
import { OapError } from '../../protocols/index.ts'
import { DECISIONS, SpamSight, judgedInSandbox, sandboxNotice, spamRoute } from '../ams/access/index.ts'
import { immutableText } from '../ams/envelope.ts'
import type { JudgedEnvelope, PostingRules, Verdict } from '../ams/posting.ts'
import {
  ADMIN_ROUTES,
  AMS_ROUTES,
  HANDSHAKE_ROOTS,
  adminRoutes,
  amsRoutes,
  handshakeRoutes,
  openAmsStores,
  serveRows,
  tokenRoutes
} from '../ams/routes/index.ts'
import type { AmsParts, AmsStores, HandshakeParts, TokenParts } from '../ams/routes/index.ts'
import { BY_HUB } from '../ams/retention.ts'
import type { Retention, RetentionRule } from '../ams/retention.ts'
import { storedArtifacts } from '../ams/stored-artifacts.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { Config } from '../config/index.ts'
import { AMS_TENANT } from '../capabilities/index.ts'
import { Bodies, bodiesClock } from '../gateway/index.ts'
import { OVERLOADED } from '../guards/pressure.ts'
import { PROBLEMS, traced } from '../http/index.ts'
import type { RouteRow } from '../http/index.ts'
import { nodePlatform } from '../platform.ts'
import type { NodeState } from '../readiness.ts'
import { RETAINED } from '../stores/ams/index.ts'
import type { Retained } from '../stores/ams/index.ts'
import type { Level } from '../stores/level.ts'
import { Ulids } from '../stores/mailbox/ulid.ts'
import type { NodeStore } from '../stores/node-store.ts'
import { systemClock } from '../supervision.ts'
import { auditOf, idsOf } from './ams-audit.ts'
import type { NodeBase } from './base.ts'
import type { HttpPart } from './http-surface.ts'
import type { Identity } from './identity.ts'
import { isMirror } from './mirror.ts'
import { refusalOf } from './peers.ts'
import type { NodePolicy } from './policy.ts'
import type { NodeProofs } from './proofs.ts'
import type { NodeStorage } from './storage.ts'
import type { NodeThreads } from './threads.ts'

const MOST_BODIES = 64
const STALL_MS = 30_000
const MAKES_WAY_AFTER_MS = 2000
const SPAM_ROW: RouteRow = {
  method: 'GET',
  path: '/admin/v1/spam',
  role: 'admin',
  takes: 'nothing',
  maxBodyBytes: 0,
  query: Type.Object({}),
  statuses: [200],
  summary: 'Who writes what: counts, and the busiest senders, threads and sources of the last two hours.'
}
const SHARE = '00'.repeat(16)
const STATUS_OF = { accept: 'accepted', quarantine: 'quarantined', reject: 'rejected' } as const

export interface AmsPlace {
  readonly store: NodeStore
  /** False where the store is in memory. */
  readonly isOnDisk: boolean
  readonly audit: { append(event: AuditEvent): Promise<void> }
  readonly storage: Pick<NodeStorage, 'store'>
  readonly policy: Pick<NodePolicy, 'current' | 'judgeOwn'>
  readonly proofs: Pick<NodeProofs, 'prove' | 'secrets'>
  /** Hubs that can be asked to prove themselves. */
  readonly handshake: HandshakeParts
  /** The static tokens of the operator. */
  readonly tokens: TokenParts
  /** Envelopes that go to other hubs, and come from them. */
  readonly threads: Pick<NodeThreads, 'goesOut' | 'kick' | 'stores' | 'withdraw'>
  /** Whether the manifests are signed as they stand. */
  readonly signatures: () => 'fresh' | 'stale'
}

export interface AmsPart extends HttpPart {
  readonly parts: (url: () => string) => AmsParts
}

/** Whether a node of this configuration serves AMS. */
export const servesAms = ({ http, gateway, node }: Pick<Config, 'http' | 'gateway' | 'node'>): boolean =>
  http.enabled && gateway.enabled && !isMirror({ node })

/** Envelopes, rooms, artifacts and notary records over HTTP, in the node's store; undefined where there are none. */
export async function openAms(
  base: NodeBase,
  identity: Identity,
  place: AmsPlace
): Promise<AmsPart | undefined> {
  const { config, log, metrics, state, writes } = base
  const { gateway } = config
  if (!servesAms(config)) return undefined
  const posting: PostingRules = {
    validation: gateway.validation,
    isProofDemanded: gateway.require_proof,
    secrets: place.proofs.secrets,
    prove: place.proofs.prove,
    judge: judging(identity, place, writes),
    isModerated: () => writes.sandbox !== '',
    onLoose: ({ id, problem, requestId, origin, trace }) =>
      log.info(
        { event: 'EnvelopeLoose', id, problem, request_id: requestId, hub: origin, ...traced(trace) },
        'strict would refuse an envelope'
      )
  }
  const stores = await keepStores(base, place, posting)
  const spam = new SpamSight({ types: gateway.types, key: randomBytes(32), now: Date.now() })
  const problems = metrics.counters(
    'ams_problems_total',
    'Requests of AMS that were answered with a problem, by its code.',
    'code',
    [...Object.keys(PROBLEMS), 'other']
  )
  countPosts(metrics, spam)
  let cut = 0
  const bodies = new Bodies({
    most: MOST_BODIES,
    stallMs: STALL_MS,
    makesWayAfterMs: MAKES_WAY_AFTER_MS,
    clock: bodiesClock,
    charge: () => 0,
    onCut: () => cut++
  })
  metrics.gauge('ams_bodies', 'Artifacts and long answers on their way to readers.', () => bodies.underWay)
  metrics.counter('ams_cut_total', 'Answers broken off because they were read too slowly.', () => cut)
  const ulids = new Ulids()
  const handshakes = handshakeRoutes(place.handshake)
  const tokens = tokenRoutes(place.tokens)
  const parts = (url: () => string): AmsParts => ({
    stores,
    bodies,
    posting: { ...posting, isBlocked: from => stores()?.blocked.has(from) ?? false },
    retention: ruleOf(config),
    health: () => ({
      service: 'omnigate',
      mode: place.isOnDisk ? 'level' : 'memory',
      url: gateway.url === '' ? url() : gateway.url,
      write_mode: writes.mode,
      features: {
        require_proof: gateway.require_proof,
        private: gateway.private,
        server_proof: place.proofs.prove !== undefined,
        hmac_proof: place.proofs.secrets.size > 0
      },
      signatures: place.signatures(),
      ...sandboxNotice(writes.sandbox)
    }),
    policy: () => {
      const { policy, hash } = place.policy.current()
      return { policy, policy_version: String(policy.version), policy_hash: hash }
    },
    nowMs: () => Date.now(),
    newUlid: () => ulids.next(Date.now()),
    refusal: what => refusal(state, what) ?? (stores() === undefined ? notOpen(place) : undefined),
    onPosted: posted => spam.note(posted, Date.now()),
    onBegun: requests(metrics),
    onProblem: code => problems(Object.hasOwn(PROBLEMS, code) ? code : 'other'),
    onError: (err, requestId) =>
      log.error({ event: 'AmsFailed', err, request_id: requestId }, 'a request of AMS failed')
  })
  return {
    parts,
    rows: [...AMS_ROUTES, ...ADMIN_ROUTES, ...handshakes, ...tokens, SPAM_ROW],
    routes: (app, url) => {
      amsRoutes(parts(url))(app)
      adminRoutes(parts(url), tokens, [SPAM_ROW])(app)
      serveRows(handshakes, HANDSHAKE_ROOTS, parts(url))(app)
      spamRoute(spam, () => Date.now())(app)
    }
  }
}

/** Keeps the stores of AMS open over the node's, and opens them again when that was. */
async function keepStores(
  { config, log, metrics, supervise }: NodeBase,
  { store, audit, storage, threads }: AmsPlace,
  posting: PostingRules
): Promise<() => AmsStores | undefined> {
  let open: AmsStores | undefined
  const removed = new Map<Retained, number>(RETAINED.map(kind => [kind, 0]))
  metrics.labelled('ams_removed_total', 'What retention has removed of AMS, by kind.', () =>
    Array.from(removed, ([kind, value]) => ({ labels: { kind }, value }))
  )
  metrics.gauge('ams_bytes', 'Bytes that AMS keeps, of gateway.ams_bytes.', () => open?.fill.used ?? 0)
  metrics.gauge('ams_blocked_senders', 'Senders that are blocked.', () => open?.blocked.size ?? 0)
  const retained = ({ retention }: AmsStores, signal: AbortSignal): Promise<void> =>
    keepRetained(retention, {
      rule: ruleOf(config),
      everyMs: config.gateway.retention_every_s * 1000,
      signal,
      onError: err =>
        log.warn({ event: 'RetentionBroken', err }, 'a run of retention did not end; it goes on later')
    })
  const options = {
    tell: (told: Parameters<typeof auditOf>[0]) => audit.append(auditOf(told)),
    blobs: storedArtifacts(() => storage.store(), {
      tenant: AMS_TENANT,
      tenantBytes: config.storage.tenantBytes
    }),
    mostBytes: config.gateway.ams_bytes,
    goesOut: threads.goesOut,
    onLeaving: threads.kick,
    withdraw: threads.withdraw,
    onRemoved: (kind: Retained, items: number) => void removed.set(kind, (removed.get(kind) ?? 0) + items),
    onCorrupt: (row: string) =>
      log.error({ event: 'AmsRowCorrupt', row }, 'a stored row of AMS is damaged and was passed over'),
    onError: (err: unknown) =>
      log.warn({ event: 'ArtifactKept', err }, 'bytes that no artifact has any more are still there')
  }
  await supervise({
    service: 'ams',
    crashReason: 'crash_store',
    async run(started, signal) {
      while (!signal.aborted) {
        const level = await store.opened(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
          return undefined
        })
        if (level === undefined) return
        const ended = new AbortController()
        const stores = await openAmsStores(level, { ...options, signal: ended.signal })
        open = stores
        threads.stores(stores, { ...posting, isBlocked: from => stores.blocked.has(from) })
        started()
        const retaining = retained(stores, ended.signal)
        await closing(level, signal)
        open = undefined
        threads.stores(undefined, posting)
        ended.abort()
        await retaining
        await Promise.all([stores.envelopes, stores.notary, stores.rooms].map(one => one.idle()))
      }
    }
  })
  return () => open
}

const ruleOf = ({ gateway }: Pick<Config, 'gateway'>): RetentionRule => ({
  ...(gateway.retention_days > 0 && { days: gateway.retention_days }),
  ...(gateway.retention_count > 0 && { count: gateway.retention_count })
})

interface Retaining {
  readonly rule: RetentionRule
  readonly everyMs: number
  readonly signal: AbortSignal
  readonly onError: (error: unknown) => void
}

/** Ends what was broken off, then removes what is to go, again and again, until `signal` aborts. */
async function keepRetained(
  retention: Retention,
  { rule, everyMs, signal, onError }: Retaining
): Promise<void> {
  while (!signal.aborted) {
    try {
      await retention.resume()
      if (Object.keys(rule).length > 0) await retention.run(rule, BY_HUB)
    } catch (error) {
      if (!signal.aborted) onError(error)
    }
    await systemClock.sleep(everyMs, signal)
  }
}

/** Resolves when a store closes, or `signal` aborts. */
async function closing(level: Level, signal: AbortSignal): Promise<void> {
  if (level.status !== 'open') return
  await once(level, 'closing', { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** What the node sheds: writes before reads. */
function refusal(state: NodeState, what: 'read' | 'write'): OapError | undefined {
  const { pressure } = state
  const shed = what === 'write' && pressure !== undefined && pressure.shedding !== 'nothing'
  return refusalOf(state) ?? (shed ? new OapError(pressure.writeRefusal, OVERLOADED) : undefined)
}

const notOpen = ({ store }: Pick<AmsPlace, 'store'>): OapError =>
  store.isDiskFull ? new OapError('disk_full') : new OapError('not_ready', 'the store is not open; ask again')

/** An envelope is judged as a directed message of the hub itself. @see specs/ams.md, section 10 */
const judging =
  ({ keys }: Identity, { policy }: Pick<AmsPlace, 'policy'>, writes: NodeBase['writes']) =>
  async ({ immutable, sha256, trace }: JudgedEnvelope): Promise<Verdict> => {
    const { decision, reasons, score, policy_version, policy_hash } = await policy.judgeOwn(
      {
        kind: 'mailbox.directed',
        origin: keys.hubId,
        share: SHARE,
        id: sha256,
        type: 'mailbox.message',
        bytes: Buffer.byteLength(immutableText(immutable)),
        standing: 'allowed',
        signature: 'valid'
      },
      idsOf(trace)
    )
    const judged = { status: STATUS_OF[decision], reasons }
    const by = { score, policy_version, policy_hash }
    return { ...(writes.sandbox === '' ? judged : judgedInSandbox(judged)), by }
  }

/** Counts and times requests as calls of the service `ams`; an operation is a method and a path of the table. */
function requests(metrics: NodeBase['metrics']): NonNullable<AmsParts['onBegun']> {
  const known = new WeakMap<RouteRow, ReturnType<typeof metrics.unframed>>()
  return row => {
    const handles = known.get(row) ?? metrics.unframed('ams', `${row.method} ${row.path}`)
    known.set(row, handles)
    const at = nodePlatform.now()
    handles.begin()
    return status => handles.end(status < 400 ? 0 : status, (nodePlatform.now() - at) / 1000)
  }
}

function countPosts(metrics: NodeBase['metrics'], spam: SpamSight): void {
  metrics.labelled('ams_posts_total', 'Envelopes that were posted, by type and what became of them.', () => {
    const counts = new Map(spam.counts().map(({ type, decision, count }) => [`${type} ${decision}`, count]))
    return spam.types.flatMap(type =>
      DECISIONS.map(decision => ({
        labels: { type, decision },
        value: counts.get(`${type} ${decision}`) ?? 0
      }))
    )
  })
}
