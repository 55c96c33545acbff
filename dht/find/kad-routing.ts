import type { KadDHT } from '@libp2p/kad-dht'
import { CID } from 'multiformats/cid'
import { create as digestOf } from 'multiformats/hashes/digest'
import type { Cid } from '../../protocols/index.ts'
import type { RoutedPeer, Routing } from './routing.ts'

/** What is used of kad-dht. It is a server, with a protocol of its own, that takes private addresses. */
export type Kad = Pick<KadDHT, 'provide' | 'findProviders' | 'cancelReprovide'>

export interface KadRoutingOptions {
  /** The peer id of this node: it is not told of itself. */
  readonly self: string
  /** Peers in the routing table. */
  readonly peers: () => number
}

const RAW = 0x55
const DAG_PB = 0x70
const SHA2_256 = 0x12

/** Look-ups and announcements over kad-dht, whose events are reduced to what came of them. */
export class KadRouting implements Routing {
  readonly #kad: Kad
  readonly #options: KadRoutingOptions

  constructor(kad: Kad, options: KadRoutingOptions) {
    this.#kad = kad
    this.#options = options
  }

  get peers(): number {
    return this.#options.peers()
  }

  async *findProviders(
    cid: Cid,
    { signal }: { readonly signal: AbortSignal }
  ): AsyncGenerator<RoutedPeer, void> {
    const named = new Set([this.#options.self])
    for await (const event of this.#kad.findProviders(kadCid(cid), { signal })) {
      if (event.name !== 'PROVIDER') continue
      for (const { id, multiaddrs } of event.providers) {
        const peer = id.toString()
        if (named.has(peer)) continue
        named.add(peer)
        yield { peer, addresses: multiaddrs.map(String) }
      }
    }
  }

  async provide(cid: Cid, { signal }: { readonly signal: AbortSignal }): Promise<number> {
    const taken = new Set<string>()
    for await (const event of this.#kad.provide(kadCid(cid), { signal })) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER')
        taken.add(event.from.toString())
    }
    return taken.size
  }

  /** This node says no more that it has the blob; others do until their record is over. */
  async withdraw(cid: Cid, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#kad.cancelReprovide(kadCid(cid), { signal })
  }
}

const kadCid = ({ codec, digest }: Cid): CID =>
  CID.createV1(codec === 'raw' ? RAW : DAG_PB, digestOf(SHA2_256, digest))
