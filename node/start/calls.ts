import { ANONYMOUS } from '../ams/access/index.ts'
import { ConnectionRecord } from '../admission/connection-record.ts'
import type { ConnectionBounds } from '../admission/connection-record.ts'
import { CALL_ROUTES, HTTP_PEER, OpenRequests, StandIns, callRoutes, innerCalls } from '../calls/index.ts'
import type { Asker, CallHost, CallParts, InnerCalls } from '../calls/index.ts'
import { Bodies, bodiesClock } from '../gateway/index.ts'
import { shedRefusal } from '../guards/shed.ts'
import type { ShedOptions } from '../guards/shed.ts'
import { connectionBounds } from '../listener/oap-listener.ts'
import { nodePlatform } from '../platform.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { HttpPart } from './http-surface.ts'
import type { Identity } from './identity.ts'
import { refusalOf } from './peers.ts'
import type { Peers } from './peers.ts'

const MOST_BODIES = 64
const MOST_STREAMS = 48
const MOST_STRANGER_STREAMS = 16
/** Of one caller, or of one address without a token. */
const MOST_STREAMS_OF_ONE = 12
const STALL_MS = 30_000
const MAKES_WAY_AFTER_MS = 2000
const HEARTBEAT_MS = 15_000

export interface CallsPlace {
  /** Serves what peers call, with the same guard. */
  readonly host: CallHost
  readonly peers: Pick<Peers, 'budget' | 'strangersMeter' | 'httpMeter'>
  readonly rights: Pick<Rights, 'capabilities' | 'seconds'>
  readonly audit: Pick<NodeAudit, 'part'>
  /** Tells names of static tokens that are no longer what they were. */
  readonly onTokensEnded: (listener: (names: readonly string[]) => void) => void
}

/** Mailbox, storage and audit log over HTTP, as calls to the services that peers call; undefined where there are none. */
export function openCalls(
  base: NodeBase,
  identity: Identity,
  { host, peers, rights, audit, onTokensEnded }: CallsPlace
): HttpPart | undefined {
  const { config, lateCalls, log, metrics, observer, state, writes } = base
  const { gateway } = config
  if (!config.http.enabled || !gateway.enabled) return undefined
  const bounds = connectionBounds(config)
  const { openVerbs } = config.capabilities
  const { keys: held } = rights.capabilities
  const standIns = new StandIns({
    hub: identity.keys.hubId,
    keys: held,
    tenant: () => rights.capabilities.tenant(gateway.tenant).id,
    seconds: rights.seconds
  })
  let cut = 0
  const room = (most: number, mostOfOne = most): Bodies =>
    new Bodies({
      most,
      mostOfOne,
      stallMs: STALL_MS,
      makesWayAfterMs: MAKES_WAY_AFTER_MS,
      clock: bodiesClock,
      // The calls below them are charged for every byte.
      charge: () => 0,
      onCut: () => cut++
    })
  const bodies = room(MOST_BODIES)
  const streams = room(MOST_STREAMS, MOST_STREAMS_OF_ONE)
  const strangerStreams = room(MOST_STRANGER_STREAMS, MOST_STREAMS_OF_ONE)
  metrics.gauge(
    'http_call_bodies',
    'Blobs, entries and long answers on their way to readers over HTTP.',
    () => bodies.underWay
  )
  metrics.gauge(
    'http_call_streams',
    'Readers of events over HTTP.',
    () => streams.underWay + strangerStreams.underWay
  )
  metrics.counter('http_call_cut_total', 'Answers broken off because they were read too slowly.', () => cut)
  const { part } = audit
  const load: ShedOptions = {
    shedding: () => state.pressure?.shedding ?? 'nothing',
    writeRefusal: () => state.pressure?.writeRefusal ?? 'saturated',
    late: lateCalls
  }
  const open = new OpenRequests()
  onTokensEnded(names => open.end(names))
  writes.onClosed(() => open.endStrangersWrites())
  const parts: CallParts = {
    shed: (effect, caller) => {
      const startedAt = nodePlatform.now()
      return refusalOf(state) ?? shedRefusal(load, effect, { caller, startedAt })
    },
    onShed: ({ counted }) => observer.rejected(counted),
    callsOf: asker =>
      callsOf(asker, { bounds, peers, state, host, standIns, isSandbox: writes.sandbox !== '' }),
    open,
    isOpen: verb => openVerbs.includes('*') || openVerbs.includes(verb),
    bodies,
    streams,
    strangerStreams,
    auditExtent: () =>
      part === undefined || part.isOpen ? part && { first: part.log.first, size: part.log.size } : 'closed',
    isAuditPublic: gateway.audit_public,
    maxBlobBytes: config.storage.tenantBytes,
    stallMs: STALL_MS,
    heartbeatMs: HEARTBEAT_MS,
    clock: bodiesClock,
    isDraining: () => state.isDraining,
    onProblem: () => undefined,
    onError: (err, requestId) =>
      log.error({ event: 'HttpCallFailed', err, request_id: requestId }, 'a call over HTTP failed')
  }
  return { rows: CALL_ROUTES, routes: app => callRoutes(parts)(app) }
}

interface Callers extends Pick<CallsPlace, 'host' | 'peers'> {
  readonly bounds: ConnectionBounds
  readonly state: NodeBase['state']
  readonly standIns: StandIns
  readonly isSandbox: boolean
}

/** Each request is a connection of its own; what it may do and spend hangs on who asks. */
function callsOf(
  { caller, cap }: Asker,
  { bounds, peers, state, host, standIns, isSandbox }: Callers
): InnerCalls {
  const isStranger = cap === undefined && caller.name === ANONYMOUS
  const connection = new ConnectionRecord(
    peers.budget,
    bounds,
    {
      peer: HTTP_PEER,
      isOneCall: true,
      isStranger: () => isStranger,
      callStarted: () => undefined,
      callEnded: () => undefined,
      proved: () => undefined,
      refusal: () => refusalOf(state),
      meter: isStranger ? peers.strangersMeter : peers.httpMeter(caller.name)
    },
    () => nodePlatform.now()
  )
  const ofStranger = !isSandbox && MAY_WRITE.includes(caller.role) ? 'anybody' : 'none'
  const role = isStranger ? ofStranger : caller.role
  // One request can outlast what stands in for its role.
  return innerCalls(host, connection, () => cap ?? standIns.of(role))
}

/** Who shows no token does something in the tenant only where anybody may write. */
const MAY_WRITE: readonly string[] = ['write', 'admin']
