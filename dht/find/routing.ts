import type { Cid } from '../../protocols/index.ts'

/** Somebody of whom the DHT says that they have a blob. */
export interface RoutedPeer {
  /** A peer id. */
  readonly peer: string
  /** Multiaddrs; none where the peer is known by its link. */
  readonly addresses: readonly string[]
}

/** The DHT as look-ups and announcements use it. Every call ends with its signal, whatever the network does. */
export interface Routing {
  /** Peers that announced the blob, each once. */
  findProviders(cid: Cid, options: { readonly signal: AbortSignal }): AsyncIterable<RoutedPeer>
  /** Announces that this node has the blob; yields how many others have taken note. */
  provide(cid: Cid, options: { readonly signal: AbortSignal }): Promise<number>
}
