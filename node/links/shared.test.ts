import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, IdentifyResult, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createTransport } from '../../transport/index.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { endings } from '../endings.fixture.ts'
import { runningNode } from '../running-node.fixture.ts'
import { allow, hubFolder, linked, until } from './hubs.fixture.ts'
import type { TestHub } from './hubs.fixture.ts'

const GOSSIP = '/meshsub/1.2.0'
const KAD = '/omnigate/main/kad/1.0.0'
const HIDDEN = /meshsub|floodsub|kad|omnigate/
const UNSUPPORTED = { name: 'UnsupportedProtocolError' }
const REFUSED_MS = 30_000

/** A kad-dht message with its length before it: FIND_NODE (the field `type`), and a key. */
const FIND_NODE = Uint8Array.of(36, 0x08, 4, 0x12, 32, ...new Uint8Array(32).fill(7))

interface SeenHub extends TestHub {
  /** Connections that it has had. */
  readonly connections: readonly Connection[]
}

/** A hub as `startHub` starts one, with a look at its connections. */
async function startSeen(t: TestContext): Promise<SeenHub> {
  const connections: Connection[] = []
  const isKnown = (connection: Connection): boolean => {
    connections.push(connection)
    return false
  }
  const data = hubFolder(t)
  const node = await runningNode(t, {
    data,
    flags: { 'strangers.loopbackIsKnown': false },
    options: { overrides: { isKnown } }
  })
  const operator = await connectAdmin(data)
  endings(t).use(operator)
  const { hub_id, peer_id, addresses } = node.status()
  return { node, operator, data, id: hub_id, peer: peer_id, address: addresses[0]!, connections }
}

/** The connections of a hub that gossip uses in both directions. */
const gossiping = ({ connections }: SeenHub): Connection[] =>
  connections.filter(({ status, streams }) => {
    const ways = streams.filter(({ protocol }) => protocol === GOSSIP).map(({ direction }) => direction)
    return status === 'open' && ways.includes('inbound') && ways.includes('outbound')
  })

const both = (a: SeenHub, b: SeenHub): Promise<boolean> =>
  until(async () => gossiping(a).length === 1 && gossiping(b).length === 1, 'gossip on both sides')

/** The first bytes that the other side's DHT answers a question with. */
async function askDht(connection: Connection): Promise<Uint8Array> {
  const stream = await connection.newStream(KAD)
  const answer = new Promise<Uint8Array>(resolve =>
    stream.addEventListener('message', ({ data }) => resolve(data.subarray()), { once: true })
  )
  stream.send(FIND_NODE)
  return await answer
}

/** Whoever connects, as libp2p lets anybody: what it is told, and what it gets. */
async function stranger(t: TestContext, { address }: TestHub) {
  const node = await createTransport({ privateKey: await generateKeyPair('Ed25519') })
  endings(t).defer(() => node.stop())
  const identified = new Promise<IdentifyResult>(resolve =>
    node.addEventListener('peer:identify', ({ detail }) => resolve(detail), { once: true })
  )
  const connection = await node.dial(multiaddr(address))
  const { protocols } = await identified
  return {
    async learnsNothing(): Promise<void> {
      assert.ok(protocols.includes('/ipfs/ping/1.0.0'), String(protocols))
      assert.doesNotMatch(protocols.join(), HIDDEN)
      const asked: Promise<Stream>[] = [GOSSIP, '/meshsub/1.1.0', '/floodsub/1.0.0', KAD].map(name =>
        connection.newStream(name, { signal: AbortSignal.timeout(REFUSED_MS) })
      )
      for (const stream of asked) await assert.rejects(stream, UNSUPPORTED)
      const ping = await connection.newStream('/ipfs/ping/1.0.0')
      assert.equal(ping.status, 'open')
      ping.abort(new Error('asked enough'))
    }
  }
}

describe('gossip and DHT', { timeout: 240_000 }, () => {
  test('work between two hubs that are linked, and are not there for a stranger before and after', async t => {
    const [a, b] = [await startSeen(t), await startSeen(t)]
    const early = await stranger(t, b)
    await early.learnsNothing()

    await allow(a, b)
    await linked(a, b)

    await both(a, b)
    for (const [connection] of [gossiping(a), gossiping(b)]) {
      const [length, field, type] = await askDht(connection!)
      assert.ok(length! >= 2)
      assert.deepEqual([field, type], [0x08, 4])
    }
    await early.learnsNothing()
    await (await stranger(t, b)).learnsNothing()
  })

  test('end with the link, and are there again when the hubs are', async t => {
    const [a, b] = [await startSeen(t), await startSeen(t)]
    await allow(a, b)
    await linked(a, b)
    await both(a, b)
    const [was] = gossiping(b)

    await b.operator.federation.peer_remove({ hub: a.id })
    await a.operator.federation.peer_remove({ hub: b.id })
    await until(async () => was!.status !== 'open', 'the end of the connection')
    assert.deepEqual([gossiping(a), gossiping(b)], [[], []])
    await (await stranger(t, b)).learnsNothing()

    await allow(a, b)
    await linked(a, b)
    await both(a, b)
  })
})
