import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { silentLogger } from '../silent-logger.ts'
import { createTransport } from '../transport.ts'
import type { Transport } from '../transport.ts'
import type { DhtOptions } from './dht.ts'
import type { LinkedServices } from './federation-services.ts'
import { LinkedConnections } from './linked-connections.ts'

export const FEDERATION = 'main'
export const TOPIC = '/omnigate/main/test/1'
export const KAD = '/omnigate/main/kad/1.0.0'

export interface Hub extends AsyncDisposable {
  readonly node: Transport
  readonly links: LinkedConnections
  readonly services: Required<LinkedServices>
}

/** A node of ours whose gossip and DHT are open; it takes part in one topic. */
export async function createHub({ dht }: { readonly dht?: DhtOptions | false } = {}): Promise<Hub> {
  const links = new LinkedConnections()
  const node = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    federation: { name: FEDERATION, links, topics: [TOPIC], ...(dht !== undefined && { dht }) }
  })
  const services = (await node.services.federation!.open()) as Required<LinkedServices>
  services.gossip.subscribe(TOPIC)
  return { node, links, services, [Symbol.asyncDispose]: async () => node.stop() }
}

/** libp2p as anybody may run it, with the same services pointed at a hub and nothing of ours. */
export async function createStranger() {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    logger: silentLogger,
    services: {
      identify: identify(),
      ping: ping(),
      gossip: gossipsub({ globalSignaturePolicy: 'StrictNoSign', allowPublishToZeroTopicPeers: true }),
      dht: kadDHT({
        protocol: KAD,
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        allowQueryWithZeroPeers: true
      })
    }
  })
  node.services.gossip.subscribe(TOPIC)
  return Object.assign(node, { [Symbol.asyncDispose]: async () => node.stop() })
}

export interface Pair {
  /** The connection as the one who dialled has it, and as the other. */
  readonly outbound: Connection
  readonly inbound: Connection
}

/** Connects both, without a link; resolves once the other side has the connection too. */
export async function connect(from: Transport, to: Transport): Promise<Pair> {
  const outbound = await from.dial(to.getMultiaddrs()[0]!)
  await until(() => to.getConnections(from.peerId).length > 0)
  return { outbound, inbound: to.getConnections(from.peerId).at(-1)! }
}

/** Connects and links both. */
export async function link(from: Hub, to: Hub): Promise<Pair> {
  const pair = await connect(from.node, to.node)
  from.links.link(pair.outbound)
  to.links.link(pair.inbound)
  return pair
}

const PATIENCE_MS = 60_000

/** Turns of the event loop until it holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !holds(); await turn()) {
    if (performance.now() > end) throw new Error(`in vain: ${String(holds)}`)
  }
}
