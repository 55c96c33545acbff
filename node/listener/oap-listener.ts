import type { Connection, Stream } from '@libp2p/interface'
import { OAP_PROTOCOL, OapError } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'
import type { Admission, LinkedConnections, Transport } from '../../transport/index.ts'
import { prefixOf } from '../../transport/index.ts'
import type { Config } from '../config/index.ts'
import { ConnectionRecord } from '../admission/connection-record.ts'
import type { ConnectionBounds } from '../admission/connection-record.ts'
import type { Rate } from '../guards/bucket-table.ts'
import { PeerQuotas } from '../guards/peer-quotas.ts'
import type { PeerMeter, PeerRates } from '../guards/peer-quotas.ts'
import { NodeBudget } from '../admission/inbound-budget.ts'
import type { SessionHost } from './session-host.ts'

/** The bounds of a connection as the configuration gives them. */
export const connectionBounds = ({ limits, strangers }: Config): ConnectionBounds => ({
  limits: { maxFrameBytes: limits.maxFrameBytes, maxInflight: limits.maxInflight },
  helloBurst: limits.helloBurst,
  helloPerSecond: limits.helloPerSecond,
  strangerBytes: strangers.bufferBytes,
  strangerCalls: strangers.maxCalls,
  strangerStreams: strangers.maxStreams
})

/** Nobody alone brings the node to where it sheds the calls of all. */
export const inFlightOfOne = (maxCalls: number): number => Math.ceil(maxCalls / 4)

const eachSecond = (perSecond: number): Rate => ({ burst: perSecond, perSecond })

/** The quotas of peers and strangers as the configuration gives them. */
export const peerRates = ({ limits, quotas }: Config): PeerRates => ({
  peerInFlight: inFlightOfOne(limits.maxCalls),
  peerCalls: eachSecond(quotas.peerCallsPerSecond),
  peerBytes: eachSecond(quotas.peerBytesPerSecond),
  prefixCalls: eachSecond(quotas.prefixCallsPerSecond),
  strangerCalls: eachSecond(quotas.strangerCallsPerSecond),
  strangerBytes: eachSecond(quotas.strangerBytesPerSecond)
})

const now = (): number => performance.now()

const LINK_EVENTS = ['linked', 'unlinked'] as const

export interface OapListenerOptions {
  readonly transport: Transport
  readonly admission: Admission
  /** Which connections have a link. `admission` follows it already. */
  readonly linked: LinkedConnections
  readonly host: SessionHost
  readonly config: Config
  readonly refusal: () => OapError | undefined
  readonly onStreamRefused: () => void
}

/** Serves `/oap/1.0.0` on every connection of a libp2p node. */
export class OapListener {
  readonly #o: OapListenerOptions
  readonly #records = new WeakMap<Connection, ConnectionRecord>()
  readonly #connections = new WeakMap<ConnectionState, Connection>()
  readonly #proved = new WeakSet<Connection>()
  readonly budget: NodeBudget
  readonly quotas: PeerQuotas

  constructor(options: OapListenerOptions) {
    this.#o = options
    this.quotas = new PeerQuotas(peerRates(options.config), now())
    this.budget = new NodeBudget(options.config.limits.inboundBufferBytes)
  }

  async start(): Promise<void> {
    await this.#o.transport.handle(OAP_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: this.#o.config.transport.inboundStreamsPerPeer,
      // What is handled here governs the streams too that this node opens to call its peer.
      maxOutboundStreams: this.#o.config.transport.inboundStreamsPerPeer
    })
    for (const event of LINK_EVENTS) this.#o.linked.addEventListener(event, this.#onLinkEvent)
  }

  async stop(): Promise<void> {
    for (const event of LINK_EVENTS) this.#o.linked.removeEventListener(event, this.#onLinkEvent)
    await this.#o.transport.unhandle(OAP_PROTOCOL)
  }

  readonly #onLinkEvent = ({ detail }: CustomEvent<Connection>): void =>
    this.#records.get(detail)?.standingChanged()

  #accept(stream: Stream, connection: Connection): void {
    const record = this.#recordOf(connection)
    if (!record.openStream()) {
      this.#o.onStreamRefused()
      stream.abort(new OapError('quota_peer', 'a connection without a capability has too many streams'))
      return
    }
    this.#o.host.serve(stream, record, () => record.closeStream())
  }

  /** What sessions and guards know a connection by; the same for each of its streams. */
  stateOf(connection: Connection): ConnectionState {
    return this.#recordOf(connection)
  }

  /** The same for a connection that has had a stream here, or was asked for before. */
  knownState(connection: Connection): ConnectionState | undefined {
    return this.#records.get(connection)
  }

  /** The connection that sessions and guards know by `state`; undefined for one of another listener. */
  connectionOf(state: ConnectionState): Connection | undefined {
    return this.#connections.get(state)
  }

  /** A node that this one dialled has shown nothing either while it has neither a link nor a token. */
  #isStranger(connection: Connection): boolean {
    if (connection.direction === 'inbound') return this.#o.admission.isStranger(connection)
    return !this.#o.linked.isLinked(connection) && !this.#proved.has(connection)
  }

  #recordOf(connection: Connection): ConnectionRecord {
    const known = this.#records.get(connection)
    if (known !== undefined) return known
    const { admission, config, refusal } = this.#o
    const record = new ConnectionRecord(
      this.budget,
      connectionBounds(config),
      {
        peer: connection.remotePeer.toString(),
        isStranger: () => this.#isStranger(connection),
        callStarted: () => admission.callStarted(connection),
        callEnded: () => admission.callEnded(connection),
        proved: () => {
          this.#proved.add(connection)
          admission.promote(connection)
        },
        refusal,
        meter: this.#meterOf(connection)
      },
      now
    )
    this.#records.set(connection, record)
    this.#connections.set(record, connection)
    return record
  }

  #meterOf(connection: Connection): PeerMeter {
    const isStranger = (): boolean => this.#isStranger(connection)
    const { remotePeer, remoteAddr } = connection
    return this.quotas.meter(remotePeer.toString(), prefixOf(remoteAddr), isStranger, now())
  }
}
