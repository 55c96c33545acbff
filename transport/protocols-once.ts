import type { Libp2p, Peer, PeerData, PeerId } from '@libp2p/interface'

/**
 * Stores a peer's protocol once for each connection. libp2p does it for every stream, one after the other for each peer:
 * streams wait for each other there, and those of a flood are kept until it is their turn, reset or not.
 */
export function storeProtocolsOnce({ peerStore }: Libp2p): void {
  // All streams of a connection name their peer by the same object.
  const stored = new WeakMap<PeerId, Map<string, Promise<Peer>>>()
  const merge = peerStore.merge.bind(peerStore)
  peerStore.merge = (peer, data, options) => {
    const protocol = onlyProtocol(data)
    if (protocol === undefined) return merge(peer, data, options)
    const known = stored.get(peer)?.get(protocol)
    if (known !== undefined) return known
    // Others wait for it too: it must not end with the stream that came first.
    const merging = merge(peer, data)
    if (!stored.has(peer)) stored.set(peer, new Map())
    stored.get(peer)!.set(protocol, merging)
    merging.catch(() => stored.get(peer)?.delete(protocol))
    return merging
  }
}

/** The protocol, where a peer's data are one protocol and nothing else. */
function onlyProtocol(data: PeerData): string | undefined {
  const { protocols } = data
  return protocols?.length === 1 && Object.keys(data).length === 1 ? protocols[0] : undefined
}
