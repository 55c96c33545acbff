import { Bodies, bodiesClock, gateway, httpMultiaddr } from '../gateway/index.ts'
import type { HttpRoutes } from '../http/index.ts'
import { nodePlatform } from '../platform.ts'
import type { NodeStatus } from '../status.ts'
import { BlobError } from '../stores/blobs/index.ts'
import type { NodeBase } from './base.ts'
import { refusalOf } from './peers.ts'
import type { Peers } from './peers.ts'
import type { NodeStorage } from './storage.ts'

/** So many of the listener's connections are left for health, readiness and metrics, whoever reads slowly. */
const MOST_BODIES = 48
const STALL_MS = 30_000
const MAKES_WAY_AFTER_MS = 2000
/** What a request is charged with, whatever it says. */
const REQUEST_BYTES = 1024
/** Every status that the gateway gives. */
const STATUSES = [200, 206, 304, 400, 404, 405, 406, 412, 416, 421, 422, 429, 500, 503].map(String)

/** Counts a request that comes over no connection of libp2p; yields the milliseconds to wait where there were too many. */
export const chargeOf =
  ({ strangersMeter }: Pick<Peers, 'strangersMeter'>) =>
  (): number =>
    strangersMeter.call(REQUEST_BYTES, nodePlatform.now())

/** Public blobs over HTTP; undefined where the configuration has none. */
export function gatewayRoutes(
  { config, log, metrics, state }: NodeBase,
  { strangersMeter: meter }: Pick<Peers, 'strangersMeter'>,
  { store, room, foundRotten }: Pick<NodeStorage, 'store' | 'room' | 'foundRotten'>,
  status: () => Pick<NodeStatus, 'peer_id' | 'addresses'>
): HttpRoutes | undefined {
  if (!config.http.enabled || !config.http.gateway) return undefined
  let cut = 0
  const bodies = new Bodies({
    most: MOST_BODIES,
    stallMs: STALL_MS,
    makesWayAfterMs: MAKES_WAY_AFTER_MS,
    clock: bodiesClock,
    charge: bytes => meter.streamed(bytes, nodePlatform.now()),
    onCut: () => cut++
  })
  const answered = metrics.counters(
    'gateway_answers_total',
    'Answers of the gateway for public blobs.',
    'status',
    [...STATUSES, 'other']
  )
  metrics.gauge('gateway_bodies', 'Answers with bytes of blobs under way.', () => bodies.underWay)
  metrics.counter('gateway_bytes_total', 'Bytes of blobs that the gateway sent.', () => bodies.bytes)
  metrics.counter('gateway_cut_total', 'Answers broken off because they were read too slowly.', () => cut)
  return (app, url) => {
    const announced = (): readonly string[] =>
      config.http.announce.length > 0 ? config.http.announce : [httpMultiaddr(url())]
    const routes = gateway({
      openPublic: id => store().openPublic(id),
      bodies,
      room,
      refusal: () => refusalOf(state),
      charge() {
        const waitMs = meter.call(REQUEST_BYTES, nodePlatform.now())
        if (waitMs > 0) metrics.quotaExhausted('peer')
        return waitMs
      },
      self() {
        const { peer_id: peer, addresses } = status()
        return { peer, addresses, gateway: announced() }
      },
      onError(err) {
        const { cause } = err as { readonly cause?: unknown }
        if (cause instanceof BlobError && cause.code === 'rotten') foundRotten(cause)
        else log.error({ event: 'GatewayFailed', err }, 'an answer about a public blob failed')
      },
      onAnswer: code => answered(STATUSES.includes(String(code)) ? String(code) : 'other')
    })
    routes(app)
  }
}
