import type { Libp2p, PeerId } from '@libp2p/interface'

/**
 * Drops a peer from the peer store when its last connection closes, unless something has tagged it. Without this every
 * identity that ever connected would stay in memory, and identities cost a stranger nothing.
 */
export function forgetPeersThatLeave(node: Libp2p): void {
  node.addEventListener('peer:disconnect', ({ detail: peer }) => {
    forget(node, peer).catch((err: unknown) => node.logger.forComponent('omnigate:peers').error('%e', err))
  })
}

async function forget({ peerStore }: Libp2p, peer: PeerId): Promise<void> {
  if (!(await peerStore.has(peer))) return
  const { tags } = await peerStore.get(peer)
  if (tags.size === 0) await peerStore.delete(peer)
}
