import type {
  Connection,
  Logger,
  StreamHandler,
  StreamHandlerOptions,
  StreamHandlerRecord,
  StreamMiddleware,
  Topology
} from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { showProtocols } from './connection-protocols.ts'
import type { LinkedConnections } from './linked-connections.ts'

export type Registrar = KadDHTComponents['registrar']

// What libp2p's own registrar falls back to.
const STREAM_BOUNDS = { maxInboundStreams: 32, maxOutboundStreams: 64 }

/** The side that answered a handshake knows of the link first; what it opened at once would be refused. */
const SETTLE_MS = 250

const settled = (tell: () => void): void => void setTimeout(tell, SETTLE_MS).unref()

interface Listening {
  readonly protocol: string
  readonly topology: Topology
  /** By peer: the connection that the topology was told of. */
  readonly told: Map<string, Connection>
}

/**
 * A registrar for services that only linked peers may know of. Its protocols are not in libp2p's own registrar, so that
 * neither identify nor a negotiation names them to a stranger: who asks for one is answered as for one that does not
 * exist. Streams are reset when their connection has no link, also when it loses it. Topologies are told of a peer a
 * moment after it is linked, when both sides know of it, whatever protocols it speaks, and that it is gone when its last
 * link ends; their filters are not asked.
 * Keeps nothing of a connection that has no link.
 */
export class LinkedRegistrar implements Registrar {
  readonly #links: LinkedConnections
  readonly #log: Logger
  readonly #later: (tell: () => void) => void
  readonly #handlers = new Map<string, StreamHandlerRecord>()
  readonly #topologies = new Map<string, Listening>()
  #lastId = 0
  #isOpen = false

  constructor(links: LinkedConnections, log: Logger, later = settled) {
    this.#links = links
    this.#log = log
    this.#later = later
  }

  /** From here on protocols are shown and topologies told, of peers that are linked already too. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#links.addEventListener('linked', this.#onLinked)
    this.#links.addEventListener('unlinked', this.#onUnlinked)
    for (const connection of this.#links) this.#show(connection)
    for (const listening of this.#topologies.values()) this.#tellAll(listening)
  }

  /** Streams that are open stay. */
  close(): void {
    this.#isOpen = false
    this.#links.removeEventListener('linked', this.#onLinked)
    this.#links.removeEventListener('unlinked', this.#onUnlinked)
    for (const { told } of this.#topologies.values()) told.clear()
  }

  /** Tells all topologies of a peer once more, as libp2p does after each identify; nothing unless it is linked. */
  tellAgain(connection: Connection): void {
    if (!this.#links.isLinked(connection)) return
    for (const listening of this.#topologies.values()) {
      if (listening.told.get(peerOf(connection)) === connection) this.#connected(listening, connection)
    }
  }

  handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions = {}): Promise<void> {
    if (this.#handlers.has(protocol) && options.force !== true) {
      return Promise.reject(new Error(`${protocol} has a handler already`))
    }
    this.#handlers.set(protocol, { handler, options: { ...STREAM_BOUNDS, ...defined(options) } })
    return Promise.resolve()
  }

  unhandle(protocols: string | string[]): Promise<void> {
    for (const protocol of [protocols].flat()) this.#handlers.delete(protocol)
    return Promise.resolve()
  }

  getProtocols(): string[] {
    return [...this.#handlers.keys()]
  }

  getHandler(protocol: string): StreamHandlerRecord {
    const record = this.#handlers.get(protocol)
    if (record === undefined) throw new Error(`${protocol} has no handler`)
    return record
  }

  register(protocol: string, topology: Topology): Promise<string> {
    const id = `linked-${++this.#lastId}`
    const listening = { protocol, topology, told: new Map<string, Connection>() }
    this.#topologies.set(id, listening)
    if (this.#isOpen) this.#tellAll(listening)
    return Promise.resolve(id)
  }

  unregister(id: string): void {
    this.#topologies.delete(id)
  }

  getTopologies(protocol: string): Topology[] {
    return [...this.#topologies.values()].filter(of => of.protocol === protocol).map(of => of.topology)
  }

  /** @throws always: no service here has middleware. */
  use(): never {
    throw new Error('middleware is not for linked protocols')
  }

  unuse(): void {}

  /** Runs for streams of both directions once they are negotiated: the link may have ended meanwhile. */
  getMiddleware(): StreamMiddleware[] {
    return [
      (stream, connection, next) => {
        if (!this.#isOpen || !this.#links.isLinked(connection)) throw new Error('the connection has no link')
        next(stream, connection)
      }
    ]
  }

  readonly #onLinked = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.#show(connection)
    this.#later(() => {
      if (!this.#isOpen || !this.#links.isLinked(connection)) return
      for (const listening of this.#topologies.values()) this.#tell(listening, connection)
    })
  }

  readonly #onUnlinked = ({ detail: connection }: CustomEvent<Connection>): void => {
    for (const listening of this.#topologies.values()) this.#untell(listening, connection)
    for (const stream of connection.streams.slice()) {
      if (this.#handlers.has(stream.protocol)) stream.abort(new Error('the link has ended'))
    }
  }

  #show(connection: Connection): void {
    showProtocols(connection, this, () => this.#isOpen && this.#links.isLinked(connection))
  }

  #tellAll(listening: Listening): void {
    for (const connection of this.#links) this.#tell(listening, connection)
  }

  #tell(listening: Listening, connection: Connection): void {
    if (listening.told.has(peerOf(connection))) return
    listening.told.set(peerOf(connection), connection)
    this.#connected(listening, connection)
  }

  #untell(listening: Listening, connection: Connection): void {
    if (listening.told.get(peerOf(connection)) !== connection) return
    listening.told.delete(peerOf(connection))
    this.#guarded(() => listening.topology.onDisconnect?.(connection.remotePeer))
    const other = this.#links.of(connection.remotePeer)
    if (other !== undefined) this.#tell(listening, other)
  }

  #connected({ topology }: Listening, connection: Connection): void {
    this.#guarded(() => topology.onConnect?.(connection.remotePeer, connection))
  }

  /** A service that fails must not keep the others from being told. */
  #guarded(tell: () => void | Promise<void>): void {
    const failed = (error: unknown): void => this.#log.error('a topology failed - %e', error)
    try {
      Promise.resolve(tell()).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

const peerOf = (connection: Connection): string => connection.remotePeer.toString()

function defined(options: StreamHandlerOptions): StreamHandlerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
