import type { Connection, IdentifyResult, PeerId } from '@libp2p/interface'
import type { GossipSub } from '@libp2p/gossipsub'
import type { KadDHT } from '@libp2p/kad-dht'
import type { DhtOptions, Records } from './dht.ts'
import { linkedComponents } from './linked-components.ts'
import type { NodeComponents } from './linked-components.ts'
import type { LinkedConnections } from './linked-connections.ts'
import { DHT_PREFIX, LinkedRecords } from './linked-records.ts'
import { LinkedRegistrar } from './linked-registrar.ts'

export interface FederationOptions {
  /** Its name is part of the DHT's protocol. */
  readonly name: string
  /** Who may take part. */
  readonly links: LinkedConnections
  /** Gossip topics that are heard and passed on. Default none. */
  readonly topics?: readonly string[]
  /** False where this node takes no part in the DHT. */
  readonly dht?: DhtOptions | false
}

/** What linked hubs share. */
export interface LinkedServices {
  readonly gossip: GossipSub
  /** Undefined where it is switched off. */
  readonly dht?: KadDHT
  /** Who takes part in it as far as this node knows. */
  dhtPeers(): readonly PeerId[]
}

interface Opened extends LinkedServices, AsyncDisposable {}

/**
 * Gossip and DHT for linked peers, and for nobody else: strangers learn neither that they are there, nor subscriptions,
 * nor the routing table. They are loaded when they are opened first; until then they cost neither memory nor timers.
 */
export class FederationServices {
  readonly #components: NodeComponents
  readonly #options: FederationOptions
  #opened: Promise<Opened> | undefined

  constructor(components: NodeComponents, options: FederationOptions) {
    this.#components = components
    this.#options = options
  }

  /** Loads and starts both services on a node that has started; those who are linked already are told of at once. */
  open(): Promise<LinkedServices> {
    this.#opened ??= this.#start().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  /** Stops both, also while they are being opened; `open` starts new ones. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    // One that did not open has told whoever opened it, and runs no more.
    const running = await opened?.catch(() => undefined)
    await running?.[Symbol.asyncDispose]()
  }

  /** libp2p calls these. */
  start(): void {}
  async beforeStop(): Promise<void> {
    await this.close()
  }
  stop(): void {}

  async #start(): Promise<Opened> {
    const { name, links, topics = [], dht: dhtOptions = {} } = this.#options
    const [{ gossipOf }, lib] = await Promise.all([
      import('./gossip.ts'),
      dhtOptions === false ? undefined : import('./dht.ts')
    ])
    const { events, identify, logger } = this.#components
    const registrar = new LinkedRegistrar(links, logger.forComponent('omnigate:linked'))
    const options = dhtOptions === false ? {} : dhtOptions
    const records = await this.#records(options)
    const components = linkedComponents(this.#components, { links, registrar, records })
    const gossip = gossipOf(components, topics) as GossipSub & Service
    const dht = lib?.dhtOf(components, name, options) as (KadDHT & Service) | undefined
    // The DHT wants addresses, which come with identify.
    const onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void =>
      registrar.tellAgain(detail.connection)
    // Who was dialled has an address already.
    const asked = new WeakSet<Connection>()
    const onConnect = (_peer: PeerId, connection: Connection): void => {
      if (connection.direction !== 'inbound' || asked.has(connection)) return
      asked.add(connection)
      identify.identify(connection).catch(() => undefined)
    }
    await using started = new AsyncDisposableStack()
    for (const service of dht === undefined ? [gossip] : [gossip, dht]) {
      await service.start()
      started.defer(() => service.stop())
    }
    if (dht !== undefined) await lib!.forgetUnlinked(dht, { links, registrar }, lib!.dhtProtocol(name))
    events.addEventListener('peer:identify', onIdentify)
    started.defer(() => events.removeEventListener('peer:identify', onIdentify))
    await registrar.register('identify', { onConnect })
    registrar.open()
    started.defer(() => registrar.close())
    const running = started.move()
    return {
      gossip,
      ...(dht && { dht }),
      dhtPeers: () => (dht === undefined ? [] : lib!.dhtPeers(dht)),
      [Symbol.asyncDispose]: () => running.disposeAsync()
    }
  }

  async #records({ records }: DhtOptions): Promise<Records> {
    const { links } = this.#options
    const self = this.#components.peerId.toString()
    const isReachable = (peer: string): boolean => isLinked(links, peer)
    const parts = { prefix: DHT_PREFIX, self, isReachable }
    return (await records?.(parts)) ?? new LinkedRecords(DHT_PREFIX, self, isReachable)
  }
}

interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

function isLinked(links: LinkedConnections, peer: string): boolean {
  for (const { remotePeer } of links) if (remotePeer.toString() === peer) return true
  return false
}
