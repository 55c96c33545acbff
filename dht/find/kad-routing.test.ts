import assert from 'node:assert/strict'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { blobOf } from '../fetch/fake-network.fixture.ts'
import { KadRouting } from './kad-routing.ts'

const OPTIONS = { timeout: 120_000 }
const { cid } = blobOf(10).root

void describe('announcing and finding over kad-dht', OPTIONS, () => {
  void test('works among three nodes, of which two do not know each other', async () => {
    await using a = await createKad()
    await using b = await createKad()
    await using c = await createKad()
    await connect(a, b)
    await connect(c, b)

    const taken = await a.routing.provide(cid, { signal: soon() })
    const found = await peersOf(c)

    assert.ok(taken >= 1)
    assert.deepEqual(
      found.map(({ peer }) => peer),
      [a.id]
    )
    assert.ok(found[0]!.addresses.some(address => address.includes('/ip4/127.0.0.1/tcp/')))
  })

  void test('works among two, and names neither this node nor anybody twice', async () => {
    await using a = await createKad()
    await using b = await createKad()
    await connect(a, b)

    assert.equal(await a.routing.provide(cid, { signal: soon() }), 1)
    assert.deepEqual(
      (await peersOf(b)).map(({ peer }) => peer),
      [a.id]
    )
    await b.routing.provide(cid, { signal: soon() })
    assert.deepEqual(
      (await peersOf(b)).map(({ peer }) => peer),
      [a.id]
    )
  })

  void test('takes back what this node said, not what others said', async () => {
    await using a = await createKad()
    await using b = await createKad()
    await connect(a, b)
    await a.routing.provide(cid, { signal: soon() })
    await b.routing.provide(cid, { signal: soon() })
    // Nobody answers an announcement: that it was sent does not say that it has been read.
    while ((await peersOf(a)).length === 0) await turn()

    await b.routing.withdraw(cid, { signal: soon() })
    await a.routing.withdraw(cid, { signal: soon() })

    assert.deepEqual(
      (await peersOf(a)).map(({ peer }) => peer),
      [b.id]
    )
  })

  void test('ends with its signal on a node that knows nobody', async () => {
    await using lonely = await createKad()

    assert.equal(lonely.routing.peers, 0)
    await assert.rejects(lonely.routing.provide(cid, { signal: AbortSignal.timeout(200) }))
    await Promise.race([
      peersOf(lonely, AbortSignal.timeout(200)).catch(() => []),
      delay(5000, undefined, { ref: false }).then(() => assert.fail('it goes on'))
    ])
  })
})

async function createKad() {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/omnigate/kad/1.0.0',
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        kBucketSize: 20,
        alpha: 3
      })
    }
  })
  const { dht } = node.services
  const peers = (): number => (dht as unknown as { routingTable: { size: number } }).routingTable.size
  const id = node.peerId.toString()
  const routing = new KadRouting(dht satisfies KadDHT, { self: id, peers })
  return { node, id, routing, [Symbol.asyncDispose]: async () => node.stop() }
}

type KadNode = Awaited<ReturnType<typeof createKad>>

/** Resolves when both have the other in their routing table. */
async function connect(from: KadNode, to: KadNode): Promise<void> {
  const [fromPeers, toPeers] = [from.routing.peers, to.routing.peers]
  await from.node.dial(to.node.getMultiaddrs()[0]!)
  while (from.routing.peers === fromPeers || to.routing.peers === toPeers) await turn()
}

async function peersOf({ routing }: KadNode, signal = soon()) {
  const found = []
  for await (const peer of routing.findProviders(cid, { signal })) found.push(peer)
  return found
}

const soon = (): AbortSignal => AbortSignal.timeout(60_000)
