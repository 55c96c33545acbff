import type { Libp2p } from '@libp2p/interface'

/**
 * Ends, with the node, the second that libp2p's address manager waits before it stores new addresses: its listeners'
 * closing starts it, libp2p does not clear it, and a process would live on for it.
 */
export function endAddressTimer(node: Libp2p): void {
  node.addEventListener('stop', () => timerOf(node)?.stop?.())
}

// Neither `components` nor the method is part of libp2p's API; without them there is nothing to end.
function timerOf(node: unknown): { stop?: () => void } | undefined {
  const { components } = node as { components?: { addressManager?: AddressManager } }
  return components?.addressManager?._updatePeerStoreAddresses
}

interface AddressManager {
  readonly _updatePeerStoreAddresses?: { stop?: () => void }
}
