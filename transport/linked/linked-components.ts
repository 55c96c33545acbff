import { NotFoundError } from '@libp2p/interface'
import type { Connection, DialTarget, PeerId, PeerInfo } from '@libp2p/interface'
import type { Identify } from '@libp2p/identify'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { LinkedConnections } from './linked-connections.ts'
import type { Records } from './dht.ts'
import type { LinkedRegistrar } from './linked-registrar.ts'

/** Of a peer that has not said yet where it is. */
const MOST_ADDRESSES = 8

type ConnectionManager = KadDHTComponents['connectionManager']
type PeerStore = KadDHTComponents['peerStore']

/** What the services use of libp2p's components. */
export type NodeComponents = Pick<
  KadDHTComponents,
  'peerId' | 'privateKey' | 'addressManager' | 'peerStore' | 'connectionManager' | 'events' | 'logger'
> & { readonly identify: Identify }

export interface LinkedParts {
  readonly links: LinkedConnections
  readonly registrar: LinkedRegistrar
  readonly records: Records
}

/**
 * libp2p's components as gossip and DHT get them. They reach linked peers only, over the connection that has the link,
 * and dial nobody, whatever addresses a peer tells them. Of other peers they know no address, and they tag none: a tag
 * would keep a peer in memory that has left, or have it dialled again.
 */
export function linkedComponents(node: NodeComponents, parts: LinkedParts): KadDHTComponents {
  const { peerId, privateKey, addressManager, events, logger } = node
  const linked = linkedOf(parts.links)
  return {
    peerId,
    privateKey,
    addressManager,
    events,
    logger,
    registrar: parts.registrar,
    datastore: parts.records as unknown as KadDHTComponents['datastore'],
    connectionManager: connectionManager(node, linked) as ConnectionManager,
    peerStore: peerStore(node, parts.links) as PeerStore,
    // Whether a peer lives, its link knows: who is linked is a member, and is asked nothing for that.
    ping: {
      ping: async peer => {
        linked(peer)
        return 0
      }
    }
  }
}

/** The services use nothing of what it yields. */
type Merge = (...of: Parameters<PeerStore['merge']>) => Promise<void>
type Linked = (peer: DialTarget) => Connection

function linkedOf(links: LinkedConnections): Linked {
  return target => {
    const connection = isPeerId(target) ? links.of(target) : undefined
    if (connection === undefined) throw new NotFoundError('the peer has no link')
    return connection
  }
}

const isPeerId = (target: DialTarget): target is PeerId => 'toMultihash' in target

function connectionManager(node: NodeComponents, linked: Linked): Partial<ConnectionManager> {
  return {
    openConnection: async peer => linked(peer),
    openStream: async (peer, protocols, options) => linked(peer).newStream(protocols, options),
    isDialable: async (addresses, options) => node.connectionManager.isDialable(addresses, options)
  }
}

function peerStore({ peerId, peerStore: all }: NodeComponents, links: LinkedConnections): Partial<PeerStore> {
  const known = (peer: PeerId): PeerId => {
    if (peer.equals(peerId) || links.of(peer) !== undefined) return peer
    throw new NotFoundError('the peer has no link')
  }
  // Where a peer is says the peer, by identify: what comes with records could be any number of addresses, of anybody.
  const merge = (async (peer, { multiaddrs }, options) => {
    if (multiaddrs === undefined) return
    const { addresses } = await all.get(known(peer), options).catch(() => ({ addresses: [] }))
    if (addresses.length > 0) return
    await all.merge(peer, { multiaddrs: multiaddrs.slice(0, MOST_ADDRESSES) }, options)
  }) satisfies Merge as unknown as PeerStore['merge']
  return {
    all: async () => [],
    get: async (peer, options) => all.get(known(peer), options),
    getInfo: async (peer, options): Promise<PeerInfo> => all.getInfo(known(peer), options),
    merge
  }
}
