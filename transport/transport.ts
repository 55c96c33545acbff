import { identify } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import type { Ping } from '@libp2p/ping'
import type { Identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { endAddressTimer } from './address-timer.ts'
import { gatedTcp, gatedWebSockets } from './address-gate.ts'
import type { Gater } from './address-gate.ts'
import { forgetPeersThatLeave } from './forget-peers.ts'
import { FederationServices } from './linked/federation-services.ts'
import type { FederationOptions } from './linked/federation-services.ts'
import type { NodeComponents } from './linked/linked-components.ts'
import { DIALER_LIMITS, DIAL_LIMITS, LIVENESS, NODE_LIMITS, STREAM_LIMITS } from './limits.ts'
import { watchLiveness } from './liveness.ts'
import type { Liveness } from './liveness.ts'
import { endNegotiationDeadlines } from './negotiation-deadline.ts'
import { storeProtocolsOnce } from './protocols-once.ts'
import { silentLogger } from './silent-logger.ts'
import { loadTls, tlsWhenUsed } from './tls-when-used.ts'
import type { MakeEncrypter } from './tls-when-used.ts'
import { tunedNoise } from './tuned/noise.ts'
import { tunedYamux } from './tuned/yamux.ts'

/** How a connection is encrypted; noise opens faster, tls costs less per byte once open. */
export type Encryption = 'noise' | 'tls'

/** A libp2p node that serves identify and ping, and those that have a link what hubs share. */
export type Transport = Libp2p<{ identify: Identify; ping: Ping; federation?: FederationServices }>

export interface DialerOptions {
  /** A fresh Ed25519 key when absent. */
  readonly privateKey?: PrivateKey
  /** Offered in this order; the dialer's order decides. Default: noise, tls. */
  readonly encryption?: readonly Encryption[]
  /** Leave libp2p's stock code in the hot paths when false. Default true. */
  readonly tuned?: boolean
  /** False yields a node that still has to be started. Default true. */
  readonly start?: boolean
  readonly maxConnections?: number
  readonly maxInboundStreams?: number
  readonly maxOutboundStreams?: number
  readonly dialTimeoutMs?: number
  /** How a dead peer is noticed where nothing is sent. A dialer asks only with this. */
  readonly liveness?: Liveness
  /** Where libp2p's own components log; silent unless the environment variable DEBUG is set. */
  readonly logger?: ComponentLogger
}

export interface TransportOptions extends DialerOptions {
  readonly privateKey: PrivateKey
  /** Multiaddrs to listen on; one with /ws opens a WebSocket listener for browsers. */
  readonly listen?: readonly string[]
  /** Multiaddrs told to peers in place of those listened on. */
  readonly announce?: readonly string[]
  /** Inbound connections whose upgrade is under way; one more is refused. */
  readonly maxPendingConnections?: number
  /** Asked before, during and after an upgrade whether a connection may go on. */
  readonly connectionGater?: Gater
  /**
   * Has gossip and DHT for linked peers at hand: `services.federation`, to be opened. Peers are then asked who they are
   * once they are linked, no more as soon as they connect.
   */
  readonly federation?: FederationOptions
  /** What identify tells peers about this software. */
  readonly userAgent?: string
}

/** See create.ts. */
export async function createTransport(options: TransportOptions): Promise<Transport> {
  const limits = { ...NODE_LIMITS, ...defined(options) }
  const gater = options.connectionGater
  // A node that cannot serve TLS fails now, and not its first peer.
  const tls = encryptionOf(options).includes('tls') ? await loadTls(isTuned(options)) : undefined
  const node = await createLibp2p({
    ...common(options, limits, tls),
    ...(gater && { transports: [gatedTcp(gater), gatedWebSockets(gater)] }),
    start: false,
    addresses: { listen: [...(options.listen ?? [])], announce: [...(options.announce ?? [])] },
    // It asks all connections in one turn of the event loop; `watchLiveness` does not.
    connectionMonitor: { enabled: false },
    services: {
      // Of a node with links only linked peers are asked, by `FederationServices`: a stranger's answer is of no use.
      identify: identify({ runOnConnectionOpen: options.federation === undefined }),
      ping: ping(),
      ...(options.federation && federated(options.federation))
    },
    ...(gater && { connectionGater: gater }),
    ...(options.userAgent !== undefined && { nodeInfo: { userAgent: options.userAgent } })
  })
  forgetPeersThatLeave(node)
  endAddressTimer(node)
  endNegotiationDeadlines(node)
  storeProtocolsOnce(node)
  watchLiveness(node, LIVENESS)
  if (options.start ?? true) await startOrStop(node)
  return node
}

/** See create.ts. */
export async function createDialer(options: DialerOptions = {}): Promise<Libp2p> {
  const limits = { ...DIALER_LIMITS, ...defined(options) }
  const dialer = await createLibp2p({
    ...common(
      options,
      limits,
      tlsWhenUsed(() => loadTls(isTuned(options)))
    ),
    addresses: { listen: [] },
    connectionMonitor: { enabled: false }
  })
  if (options.liveness !== undefined) watchLiveness(dialer, options.liveness)
  return dialer
}

const federated = (options: FederationOptions) => ({
  federation: (components: NodeComponents) => new FederationServices(components, options)
})

async function startOrStop(node: Transport): Promise<void> {
  try {
    await node.start()
  } catch (err) {
    await node.stop()
    throw err
  }
}

interface Limits {
  readonly maxConnections: number
  readonly maxPendingConnections: number
  readonly maxInboundStreams: number
  readonly maxOutboundStreams: number
}

const isTuned = (options: DialerOptions): boolean => options.tuned ?? true

const encryptionOf = (options: DialerOptions): readonly Encryption[] => options.encryption ?? ['noise', 'tls']

function common(options: DialerOptions, limits: Limits, tls: MakeEncrypter | undefined) {
  const tuned = isTuned(options)
  const encrypters = { noise: (tuned ? tunedNoise : noise)(), tls }
  return {
    transports: [tcp(), webSockets()],
    connectionEncrypters: encryptionOf(options).flatMap(name => encrypters[name] ?? []),
    streamMuxers: [
      (tuned ? tunedYamux : yamux)({
        maxInboundStreams: limits.maxInboundStreams,
        maxOutboundStreams: limits.maxOutboundStreams,
        streamOptions: STREAM_LIMITS
      })
    ],
    connectionManager: {
      maxConnections: limits.maxConnections,
      maxIncomingPendingConnections: limits.maxPendingConnections,
      inboundConnectionThreshold: Infinity,
      reconnectRetries: 0,
      maxParallelDials: DIAL_LIMITS.maxParallelDials,
      maxDialQueueLength: DIAL_LIMITS.maxDialQueueLength,
      maxPeerAddrsToDial: DIAL_LIMITS.maxPeerAddrsToDial,
      dialTimeout: options.dialTimeoutMs ?? DIAL_LIMITS.dialTimeoutMs,
      inboundUpgradeTimeout: DIAL_LIMITS.inboundUpgradeTimeoutMs
    },
    start: options.start ?? true,
    ...(options.privateKey && { privateKey: options.privateKey }),
    ...logging(options.logger)
  }
}

function logging(logger: ComponentLogger | undefined): { logger?: ComponentLogger } {
  if (logger) return { logger }
  return process.env['DEBUG'] ? {} : { logger: silentLogger }
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
