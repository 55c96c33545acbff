import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT, KadDHTComponents, Selectors, ValidateFn, Validators } from '@libp2p/kad-dht'
import type { PeerId } from '@libp2p/interface'
import { boundedMessages } from './bounded-messages.ts'
import type { LinkedConnections } from './linked-connections.ts'
import { DHT_PREFIX } from './linked-records.ts'
import type { LinkedRecords } from './linked-records.ts'
import type { LinkedRegistrar, Registrar } from './linked-registrar.ts'

/** What the DHT's own store has to do: `LinkedRecords` does it in memory. */
export type Records = Pick<LinkedRecords, 'put' | 'get' | 'has' | 'delete' | 'query'>

/** What a store of records has to know. */
export interface RecordsParts {
  /** Providers lie under `prefix`/provider/ID/PEER. */
  readonly prefix: string
  /** The peer id of this node. */
  readonly self: string
  readonly isReachable: (peer: string) => boolean
}

export interface DhtOptions {
  /** A store that lives longer than the DHT. Default one in memory. */
  readonly records?: (parts: RecordsParts) => Promise<Records>
  /** By namespace, the first part of a key: what may be stored. A value of any other namespace is refused. */
  readonly validators?: Validators
  readonly selectors?: Selectors
}

/** Who has a blob is forgotten a day after it was said last. */
export const PROVIDER_VALIDITY_MS = 24 * 3_600_000

/** The part of kad-dht 16.4.5 that has no public name: it never drops a peer for having left. */
interface RoutingTable extends EventTarget {
  readonly size: number
  readonly kb: { toIterable(): Iterable<{ readonly peerId: PeerId }> }
  remove(peer: PeerId): Promise<void>
}

/**
 * A Kademlia DHT of one federation, small and private: its own protocol, private addresses welcome, always a server. Its
 * routing table holds linked peers only.
 */
export function dhtOf(components: KadDHTComponents, federation: string, options: DhtOptions): KadDHT {
  return kadDHT({
    protocol: dhtProtocol(federation),
    datastorePrefix: DHT_PREFIX,
    clientMode: false,
    kBucketSize: 20,
    alpha: 3,
    peerInfoMapper: passthroughMapper,
    // The library accepts public keys from everybody unless told otherwise.
    validators: { pk: refuse, ...options.validators },
    selectors: { ...options.selectors },
    // What this node has is announced again by whoever keeps the pace, never by the library, all at once.
    reprovide: { validity: PROVIDER_VALIDITY_MS, threshold: 0 },
    maxInboundStreams: 32,
    maxOutboundStreams: 32
  })({ ...components, registrar: bounded(components.registrar) })
}

/** What peers may send is bounded before the library keeps it. */
const bounded = (registrar: Registrar): Registrar =>
  Object.create(registrar, {
    handle: {
      value: (...[protocol, handler, options]: Parameters<Registrar['handle']>) =>
        registrar.handle(protocol, boundedMessages(handler), options)
    },
    register: { value: registrar.register.bind(registrar) },
    unregister: { value: registrar.unregister.bind(registrar) },
    unhandle: { value: registrar.unhandle.bind(registrar) }
  }) as Registrar

export const dhtProtocol = (federation: string): string => `/omnigate/${federation}/kad/1.0.0`

const refuse: ValidateFn = () => {
  throw new Error('no values of this namespace')
}

const tableOf = (dht: KadDHT): RoutingTable => (dht as unknown as { routingTable: RoutingTable }).routingTable

/** The peers of the routing table. */
export const dhtPeers = (dht: KadDHT): readonly PeerId[] =>
  [...tableOf(dht).kb.toIterable()].map(({ peerId }) => peerId)

/** Takes peers out of the routing table whose link ends, those too that get into it a moment later. */
export async function forgetUnlinked(
  dht: KadDHT,
  { links, registrar }: { readonly links: LinkedConnections; readonly registrar: LinkedRegistrar },
  protocol: string
): Promise<void> {
  const table = tableOf(dht)
  await registrar.register(protocol, { onDisconnect: peer => table.remove(peer) })
  table.addEventListener('peer:add', event => {
    const { detail: peer } = event as CustomEvent<PeerId>
    if (links.of(peer) === undefined) void table.remove(peer).catch(() => undefined)
  })
}
