import type { Connection } from '@libp2p/interface'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'
import { LinkedConnections, PeerListeners, createAdmission, createTransport } from '../../transport/index.ts'
import type { Admission, DhtOptions, Transport } from '../../transport/index.ts'
import type { NodeBudget } from '../admission/inbound-budget.ts'
import type { Config } from '../config/index.ts'
import type { Grants } from '../guards/grants.ts'
import type { PeerMeter } from '../guards/peer-quotas.ts'
import { OVERLOADED } from '../guards/pressure.ts'
import type { NodeKeys } from '../keys.ts'
import { listenFailure } from '../listen-failure.ts'
import { OapListener } from '../listener/oap-listener.ts'
import type { SessionHost } from '../listener/session-host.ts'
import type { SupervisedPart } from '../supervision.ts'
import { nodePlatform } from '../platform.ts'
import { VERSION } from '../version.ts'
import type { NodeState } from '../readiness.ts'
import type { NodeBase } from './base.ts'
import { sharesTopic } from './shares-gossip.ts'

/** Strangers' part of the inbound handshakes under way; libp2p refuses everyone beyond the whole. */
const STRANGERS_OF_PENDING = 0.75

export interface Peers {
  readonly transport: Transport
  readonly admission: Admission
  /** Which of its connections are links; whoever links says so. */
  readonly linked: LinkedConnections
  readonly budget: NodeBudget
  /** Charged by all that come over no connection of libp2p, as strangers of one prefix. */
  readonly strangersMeter: PeerMeter
  /** What calls are charged to that come over HTTP from one who has shown a token or capability, by its name. */
  readonly httpMeter: (name: string) => PeerMeter
  /** What guards know a connection by. */
  readonly stateOf: (connection: Connection) => ConnectionState
  /** The same for a connection that has had a stream or was asked for before. */
  readonly knownStateOf: (connection: Connection) => ConnectionState | undefined
  /** The other way round; undefined for what is no connection of a peer. */
  readonly connectionOf: (state: ConnectionState) => Connection | undefined
}

export interface PeersOptions {
  readonly keys: NodeKeys
  /** Serves what peers call. */
  readonly host: SessionHost
  /** Each grant is taken back when its connection closes. */
  readonly grants: Pick<Grants, 'remove'>
  readonly isKnown?: ((connection: Connection) => boolean) | undefined
  /** The DHT of linked hubs; false where it is switched off. */
  readonly dht?: DhtOptions | false | undefined
}

/** Listens for peers and serves them. */
export async function servePeers(
  base: NodeBase,
  { keys, host, grants, isKnown, dht }: PeersOptions
): Promise<Peers> {
  const { config, started } = base
  const admission = admissionOf(base)
  const linked = new LinkedConnections()
  const transport = await prepareTransport(config, keys, { admission, linked, dht })
  transport.addEventListener('connection:open', ({ detail: connection }) => {
    if (isKnown?.(connection) === true) admission.promote(connection)
  })
  started.defer(admission.follow(linked))
  const listener = oapListener(base, { transport, admission, linked, host })
  transport.addEventListener('connection:close', ({ detail }) => {
    const state = listener.knownState(detail)
    if (state !== undefined) grants.remove(state)
  })
  await listener.start()
  started.defer(() => transport.stop())
  started.defer(admission.watch(transport))
  await base.supervise(listenersPart(new PeerListeners(transport), config.node.listen))
  const stateOf = (connection: Connection): ConnectionState => listener.stateOf(connection)
  const knownStateOf = (connection: Connection) => listener.knownState(connection)
  const connectionOf = (state: ConnectionState): Connection | undefined => listener.connectionOf(state)
  const { budget, quotas } = listener
  const strangersMeter = quotas.meter('http', 'http', () => true, nodePlatform.now())
  const httpMeter = (name: string): PeerMeter =>
    quotas.meter(`http ${name}`, 'http', () => false, nodePlatform.now())
  const peers = {
    transport,
    admission,
    linked,
    budget,
    strangersMeter,
    httpMeter,
    stateOf,
    knownStateOf,
    connectionOf
  }
  gaugePeers(base, peers)
  return peers
}

function admissionOf({ config, turnedAway }: NodeBase): Admission {
  return createAdmission({
    ...config.strangers,
    maxConnections: config.transport.maxConnections,
    maxKeptBytes: config.limits.inboundBufferBytes,
    maxOpening: Math.ceil(config.transport.maxPendingConnections * STRANGERS_OF_PENDING),
    onRefused: () => turnedAway('connection')
  })
}

function prepareTransport(
  config: Config,
  keys: NodeKeys,
  { admission, linked, dht }: Pick<Peers, 'admission' | 'linked'> & Pick<PeersOptions, 'dht'>
): Promise<Transport> {
  const { node, transport } = config
  const { name } = config.federation
  return createTransport({
    privateKey: keys.nodeKey,
    start: false,
    listen: node.listen,
    announce: node.announce,
    encryption: transport.encryption,
    tuned: transport.tuned,
    maxConnections: transport.maxConnections,
    maxPendingConnections: transport.maxPendingConnections,
    maxInboundStreams: transport.inboundStreamsPerPeer,
    connectionGater: admission.connectionGater,
    federation: { name, links: linked, topics: [sharesTopic(name)], ...(dht !== undefined && { dht }) },
    userAgent: `omnigate/${VERSION}`
  })
}

function oapListener(
  { config, turnedAway, state }: NodeBase,
  parts: Pick<Peers, 'transport' | 'admission' | 'linked'> & { readonly host: SessionHost }
): OapListener {
  return new OapListener({
    ...parts,
    config,
    refusal: () => refusalOf(state),
    onStreamRefused: () => turnedAway('stream')
  })
}

/** Why the whole node takes no call of a peer at this moment, if it does not. */
export function refusalOf({ isDraining, pressure }: NodeState): OapError | undefined {
  if (isDraining) return new OapError('draining')
  return pressure?.shedding === 'calls' ? new OapError('saturated', OVERLOADED) : undefined
}

/** Starts the transport; after a crash it opens only what failed, so that other connections stay. */
function listenersPart(listeners: PeerListeners, listen: readonly string[]): SupervisedPart {
  return {
    service: 'peers',
    crashReason: 'crash_listener',
    async run(started, signal) {
      await listeners.open().catch((error: unknown) => {
        throw listenFailure(listen, error)
      })
      started()
      await listeners.serve(signal)
    }
  }
}

function gaugePeers({ metrics }: NodeBase, { transport, admission, budget }: Peers): void {
  metrics.gauge('inbound_held_bytes', 'Received bytes that wait to be handled.', () => budget.all.heldBytes)
  metrics.gauge('connections', 'Connections open.', () => transport.getConnections().length)
  metrics.gauge('stranger_connections', 'Connections without a link or a token.', () => admission.strangers)
  const { valve } = admission
  metrics.gauge('strangers_waiting', 'New connections that wait to be let in.', () => valve.waiting)
  metrics.counter('strangers_waited_total', 'New connections that had to wait.', () => valve.waited)
  metrics.counter(
    'stranger_loop_seconds_total',
    'Time that the event loop spent on what strangers sent.',
    () => valve.spentMs / 1000
  )
}
