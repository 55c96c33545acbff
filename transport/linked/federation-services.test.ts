import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Connection, IdentifyResult, PeerId, Stream } from '@libp2p/interface'
import { CID } from 'multiformats/cid'
import { create as digestOf } from 'multiformats/hashes/digest'
import { KAD, TOPIC, connect, createHub, createStranger, link, until } from './hubs.fixture.ts'
import type { Records, RecordsParts } from './dht.ts'
import type { Hub } from './hubs.fixture.ts'
import { LinkedRecords } from './linked-records.ts'

const OPTIONS = { timeout: 120_000 }
const MESHSUB = '/meshsub/1.2.0'
const HIDDEN = /meshsub|floodsub|kad|omnigate/

void describe('a stranger', OPTIONS, () => {
  void test('is told of no protocol, neither by identify nor when it asks for all', async () => {
    await using hub = await createHub()
    await using stranger = await createStranger()
    const identified = new Promise<IdentifyResult>(resolve =>
      stranger.addEventListener('peer:identify', ({ detail }) => resolve(detail), { once: true })
    )
    const connection = await stranger.dial(hub.node.getMultiaddrs()[0]!)

    const { protocols } = await identified
    const all = await askForProtocols(connection)

    assert.ok(protocols.includes('/ipfs/ping/1.0.0'), String(protocols))
    assert.doesNotMatch(protocols.join(), HIDDEN)
    assert.match(all, /\/ipfs\/ping\/1\.0\.0/)
    assert.doesNotMatch(all, HIDDEN)
  })

  void test('gets no stream, no subscription and no answer of the DHT', async () => {
    await using hub = await createHub()
    await using other = await createHub()
    await link(hub, other)
    await until(() => hub.services.gossip.getSubscribers(TOPIC).length === 1)
    await using stranger = await createStranger()
    const connection = await stranger.dial(hub.node.getMultiaddrs()[0]!)
    let heard = 0
    stranger.services.gossip.addEventListener('subscription-change', () => heard++)

    await assert.rejects(connection.newStream([MESHSUB, '/meshsub/1.1.0', '/meshsub/1.0.0']), UNSUPPORTED)
    await assert.rejects(connection.newStream(KAD), UNSUPPORTED)
    await stranger.services.gossip.publish(TOPIC, text('let me in'))
    const answers = await answersOf(
      stranger.services.dht.getClosestPeers(other.node.peerId.toMultihash().bytes)
    )
    await connection.newStream('/ipfs/ping/1.0.0')

    assert.equal(answers, 0)
    assert.equal(heard, 0)
    assert.deepEqual(stranger.services.gossip.getSubscribers(TOPIC), [])
    assert.equal(idsOf(hub.services.gossip.getPeers()).includes(stranger.peerId.toString()), false)
  })

  void test('is not asked who it is; a peer that dialled and is linked now is, once', async () => {
    await using hub = await createHub()
    await using other = await createHub()
    await using stranger = await createStranger()
    const asked: string[] = []
    hub.node.addEventListener('peer:identify', ({ detail }) => asked.push(String(detail.peerId)))
    const connection = await stranger.dial(hub.node.getMultiaddrs()[0]!)
    await connection.newStream('/ipfs/ping/1.0.0')

    await link(other, hub)
    await until(() => asked.length > 0)
    await other.node.services.ping.ping(hub.node.peerId)

    assert.deepEqual(asked, [String(other.node.peerId)])
  })

  void test('may connect as often as it likes: the services keep nothing of it', async () => {
    await using hub = await createHub()
    for (let i = 0; i < 3; i++) {
      await using stranger = await createStranger()
      await stranger.dial(hub.node.getMultiaddrs()[0]!)
    }

    assert.deepEqual(hub.services.gossip.getPeers(), [])
    assert.equal(tableSize(hub), 0)
  })
})

void describe('linked peers', OPTIONS, () => {
  void test('hear each other and find what the other provides', async () => {
    await using a = await createHub()
    await using b = await createHub()
    await link(a, b)
    await subscribed(a, b)
    const heard = nextMessage(b)

    await a.services.gossip.publish(TOPIC, text('hello'))
    assert.equal(await heard, 'hello')

    const id = cidOf('a blob')
    await until(() => tableSize(a) === 1 && tableSize(b) === 1)
    for await (const _ of a.services.dht.provide(id)) continue
    assert.deepEqual(await providersOf(b, id), [a.node.peerId.toString()])
  })

  void test('are members of the DHT by their link, also where a ping would not be answered, until it ends', async () => {
    await using a = await createHub()
    await using b = await createHub()
    await b.node.unhandle('/ipfs/ping/1.0.0')

    const { outbound } = await link(a, b)
    await until(() => tableSize(a) === 1 && tableSize(b) === 1)

    assert.deepEqual(idsOf(a.services.dhtPeers()), [b.node.peerId.toString()])
    a.links.unlink(outbound)
    await until(() => tableSize(a) === 0)
  })

  void test('hear each other also when one knows of the link later than the other', async () => {
    await using a = await createHub()
    await using b = await createHub()
    const { outbound, inbound } = await connect(a.node, b.node)
    const refused = nextStreamEnds(inbound)

    a.links.link(outbound)
    await refused
    b.links.link(inbound)

    await subscribed(a, b)
    const heard = nextMessage(b)
    await a.services.gossip.publish(TOPIC, text('late'))
    assert.equal(await heard, 'late')
  })

  void test('are strangers again when the link ends and the connection lives', async () => {
    await using a = await createHub()
    await using b = await createHub()
    const { outbound, inbound } = await link(a, b)
    await subscribed(a, b)
    await until(() => tableSize(a) === 1 && tableSize(b) === 1)
    const kad = await outbound.newStream(KAD)

    b.links.unlink(inbound)

    await until(() => kad.status !== 'open')
    await until(() => outbound.streams.every(({ protocol }) => !HIDDEN.test(protocol)))
    assert.deepEqual(b.services.gossip.getPeers(), [])
    await until(() => tableSize(b) === 0)
    await assert.rejects(outbound.newStream(KAD), UNSUPPORTED)
    assert.equal(outbound.status, 'open')
    assert.equal((await outbound.newStream('/ipfs/ping/1.0.0')).status, 'open')
  })

  void test('may be linked again over the same connection', async () => {
    await using a = await createHub()
    await using b = await createHub()
    const { outbound, inbound } = await link(a, b)
    await subscribed(a, b)
    b.links.unlink(inbound)
    a.links.unlink(outbound)

    a.links.link(outbound)
    b.links.link(inbound)

    await subscribed(a, b)
    const heard = nextMessage(a)
    await b.services.gossip.publish(TOPIC, text('again'))
    assert.equal(await heard, 'again')
  })

  void test('dial nobody whom another tells of', async () => {
    await using a = await createHub()
    await using b = await createHub()
    await using c = await createHub()
    await link(a, b)
    await link(b, c)
    await until(() => tableSize(a) === 1 && tableSize(b) === 2)

    const told = await peersIn(a.services.dht.getClosestPeers(c.node.peerId.toMultihash().bytes))

    assert.ok(told.has(c.node.peerId.toString()), 'b tells of c')
    assert.deepEqual(idsOf(a.node.getPeers()), [b.node.peerId.toString()])
    assert.equal(tableSize(a), 1)
  })

  void test('hear nothing more of a peer that sends what is rejected', async () => {
    await using a = await createHub()
    await using b = await createHub()
    await link(a, b)
    await subscribed(a, b)
    let asked = 0
    b.services.gossip.topicValidators.set(TOPIC, () => (asked++, 'reject' as never))

    let sent = 0
    await until(() => {
      if (sent < 10) void a.services.gossip.publish(TOPIC, text(`bad ${sent++}`))
      return asked >= 5
    })
    // A score is judged by the second; heartbeats are a second apart.
    await heartbeat(b)
    await heartbeat(b)
    const judged = asked
    await a.services.gossip.publish(TOPIC, text('worse'))
    await heartbeat(b)

    assert.equal(asked, judged)
    assert.equal(a.node.getConnections().length, 1)
  })
})

void describe('the services', OPTIONS, () => {
  void test('hear of peers that were linked before they were opened', async () => {
    await using a = await createHub()
    await using b = await createHub()
    await b.node.services.federation!.close()
    const { outbound, inbound } = await connect(a.node, b.node)
    a.links.link(outbound)
    b.links.link(inbound)

    const opened = await b.node.services.federation!.open()
    opened.gossip.subscribe(TOPIC)

    await until(() => a.services.gossip.getSubscribers(TOPIC).length === 1)
    assert.deepEqual(idsOf(opened.gossip.getPeers()), [a.node.peerId.toString()])
  })

  void test('have no DHT where it is switched off, and gossip all the same', async () => {
    await using a = await createHub()
    await using b = await createHub({ dht: false })
    const { outbound } = await link(a, b)
    await subscribed(a, b)

    await assert.rejects(outbound.newStream(KAD), UNSUPPORTED)
    assert.equal(b.services.dht, undefined)
    assert.deepEqual(b.services.dhtPeers(), [])
  })

  void test('keep what the DHT is told in a store that is given to them', async () => {
    const kept = new Map<string, Uint8Array>()
    const parts: RecordsParts[] = []
    const records = async (given: RecordsParts): Promise<Records> => {
      parts.push(given)
      const inMemory = new LinkedRecords(given.prefix, given.self, given.isReachable)
      return {
        get: key => inMemory.get(key),
        has: key => inMemory.has(key),
        delete: key => inMemory.delete(key),
        query: asked => inMemory.query(asked),
        put(key, value) {
          kept.set(key.toString(), value)
          return inMemory.put(key, value)
        }
      }
    }
    await using a = await createHub({ dht: { records } })
    await using b = await createHub()
    await link(a, b)
    await until(() => tableSize(a) === 1 && tableSize(b) === 1)

    for await (const _ of b.services.dht.provide(cidOf('kept'))) continue

    await until(() => kept.size === 1)
    assert.match([...kept.keys()][0]!, new RegExp(`^/dht/provider/.*/${b.node.peerId.toString()}$`))
    assert.deepEqual(
      parts.map(({ prefix, self }) => [prefix, self]),
      [['/dht', a.node.peerId.toString()]]
    )
    assert.deepEqual(idsOf(a.services.dhtPeers()), [b.node.peerId.toString()])
  })

  void test('are gone also when they are closed while they are being opened', async () => {
    await using a = await createHub()
    await using b = await createHub()
    const { outbound } = await link(a, b)
    const { federation } = b.node.services
    await federation!.close()

    const opening = federation!.open()
    await federation!.close()

    assert.deepEqual((await opening).gossip.getPeers(), [])
    await assert.rejects(outbound.newStream(KAD), UNSUPPORTED)
  })

  void test('are not shown any more once they are closed', async () => {
    await using a = await createHub()
    await using b = await createHub()
    const { outbound } = await link(a, b)
    await subscribed(a, b)

    await b.node.services.federation!.close()

    await assert.rejects(outbound.newStream(KAD), UNSUPPORTED)
  })
})

const UNSUPPORTED = { name: 'UnsupportedProtocolError' }

const text = (words: string): Uint8Array => new TextEncoder().encode(words)

const cidOf = (words: string): CID => CID.createV1(0x55, digestOf(0x12, hash('sha256', words, 'buffer')))

const idsOf = (peers: readonly { toString(): string }[]): string[] => peers.map(peer => peer.toString())

const tableSize = ({ services }: Hub): number =>
  (services.dht as unknown as { routingTable: { size: number } }).routingTable.size

/** Both have heard of the other's subscription. */
const subscribed = (a: Hub, b: Hub): Promise<void> =>
  until(() => [a, b].every(({ services }) => services.gossip.getSubscribers(TOPIC).length === 1))

function nextMessage({ services: { gossip } }: Hub): Promise<string> {
  return new Promise(resolve => {
    gossip.addEventListener('message', ({ detail }) => resolve(new TextDecoder().decode(detail.data)), {
      once: true
    })
  })
}

const heartbeat = ({ services: { gossip } }: Hub): Promise<unknown> =>
  new Promise(resolve => gossip.addEventListener('gossipsub:heartbeat', resolve, { once: true }))

async function answersOf(events: AsyncIterable<{ readonly name: string }>): Promise<number> {
  let answers = 0
  for await (const { name } of events) if (name === 'PEER_RESPONSE') answers++
  return answers
}

async function peersIn(events: AsyncIterable<object>): Promise<Set<string>> {
  const peers = new Set<string>()
  for await (const event of events) {
    if (!('closer' in event)) continue
    for (const { id } of event.closer as { id: PeerId }[]) peers.add(id.toString())
  }
  return peers
}

async function providersOf({ services: { dht } }: Hub, id: CID): Promise<string[]> {
  const found: string[] = []
  for await (const event of dht.findProviders(id)) {
    if (event.name === 'PROVIDER') found.push(...event.providers.map(peer => peer.id.toString()))
  }
  return [...new Set(found)]
}

/** Resolves when the next stream that the peer of a connection opens has ended. */
async function nextStreamEnds(connection: Connection): Promise<void> {
  const { muxer } = connection as unknown as { muxer: EventTarget }
  const stream = await new Promise<Stream>(resolve =>
    muxer.addEventListener('stream', event => resolve((event as CustomEvent<Stream>).detail), { once: true })
  )
  await until(() => stream.status !== 'open')
}

/** What a node answers to `ls`, multistream's question for all protocols. */
async function askForProtocols(connection: Connection): Promise<string> {
  const { muxer } = connection as unknown as { muxer: { createStream(): Promise<Stream> } }
  const stream = await muxer.createStream()
  let received = ''
  stream.addEventListener('message', ({ data }) => (received += Buffer.from(data.subarray()).toString()))
  for (const line of ['/multistream/1.0.0\n', 'ls\n'])
    stream.send(Buffer.from([line.length, ...Buffer.from(line)]))
  await until(() => received.endsWith('\n\n'))
  stream.abort(new Error('heard enough'))
  return received
}
