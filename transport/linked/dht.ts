import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT, KadDHTComponents, Selectors, ValidateFn, Validators } from '@libp2p/kad-dht'
import type { PeerId } from '@libp2p/interface'
import type { LinkedConnections } from './linked-connections.ts'
import type { LinkedRegistrar } from './linked-registrar.ts'

export interface DhtOptions {
  /** By namespace, the first part of a key: what may be stored. A value of any other namespace is refused. */
  readonly validators?: Validators
  readonly selectors?: Selectors
}

/** Where the DHT keeps its records. */
export const DHT_PREFIX = '/dht'

/** The part of kad-dht 16.4.5 that has no public name: it never drops a peer for having left. */
interface RoutingTable extends EventTarget {
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
    kBucketSize: 8,
    alpha: 3,
    peerInfoMapper: passthroughMapper,
    // The library accepts public keys from everybody unless told otherwise.
    validators: { pk: refuse, ...options.validators },
    selectors: { ...options.selectors },
    maxInboundStreams: 32,
    maxOutboundStreams: 32
  })(components)
}

export const dhtProtocol = (federation: string): string => `/omnigate/${federation}/kad/1.0.0`

const refuse: ValidateFn = () => {
  throw new Error('no values of this namespace')
}

/** Takes peers out of the routing table whose link ends, those too that get into it a moment later. */
export async function forgetUnlinked(
  dht: KadDHT,
  { links, registrar }: { readonly links: LinkedConnections; readonly registrar: LinkedRegistrar },
  protocol: string
): Promise<void> {
  const table = (dht as unknown as { routingTable: RoutingTable }).routingTable
  await registrar.register(protocol, { onDisconnect: peer => table.remove(peer) })
  table.addEventListener('peer:add', event => {
    const { detail: peer } = event as CustomEvent<PeerId>
    if (links.of(peer) === undefined) void table.remove(peer).catch(() => undefined)
  })
}
