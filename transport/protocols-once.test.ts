import assert from 'node:assert/strict'
import test from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, Peer, PeerData, PeerId } from '@libp2p/interface'
import { storeProtocolsOnce } from './protocols-once.ts'
import { createDialer, createTransport } from './transport.ts'

/** A peer store that notes what is merged; the n-th merge fails where `failing` is n. */
function noting({ failing = 0 } = {}) {
  const merged: PeerData[] = []
  const merge = async (id: PeerId, data: PeerData): Promise<Peer> => {
    if (merged.push(data) === failing) throw new Error('disk')
    return { id } as Peer
  }
  const node = { peerStore: { merge } } as unknown as Libp2p
  storeProtocolsOnce(node)
  return { merged, merge: (id: PeerId, data: PeerData) => node.peerStore.merge(id, data) }
}

const peer = (): PeerId => ({}) as PeerId

test('a protocol is stored once for each connection, however many streams speak it', async () => {
  const { merged, merge } = noting()
  const [one, other] = [peer(), peer()]

  const first = await Promise.all([1, 2, 3].map(() => merge(one, { protocols: ['/a'] })))
  await merge(one, { protocols: ['/b'] })
  await merge(other, { protocols: ['/a'] })

  assert.deepEqual(merged, [{ protocols: ['/a'] }, { protocols: ['/b'] }, { protocols: ['/a'] }])
  assert.deepEqual(new Set(first), new Set([{ id: one }]))
})

test('what says more than one protocol is stored each time', async () => {
  const { merged, merge } = noting()
  const one = peer()

  for (const data of [{ protocols: ['/a', '/b'] }, { protocols: ['/a'], tags: {} }, { tags: {} }])
    await Promise.all([merge(one, data), merge(one, data)])

  assert.equal(merged.length, 6)
})

test('a protocol that could not be stored is stored with the next stream', async () => {
  const { merged, merge } = noting({ failing: 1 })
  const one = peer()

  await assert.rejects(merge(one, { protocols: ['/a'] }), /disk/)
  await merge(one, { protocols: ['/a'] })

  assert.equal(merged.length, 2)
})

test('a node knows what its peer speaks', async t => {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] })
  t.after(() => node.stop())
  const dialer = await createDialer()
  t.after(() => dialer.stop())
  const served = Promise.withResolvers<void>()
  await node.handle('/one', () => served.resolve())

  const connection = await dialer.dial(node.getMultiaddrs()[0]!)
  await connection.newStream('/one')
  await connection.newStream('/one')
  await served.promise

  const { protocols } = await node.peerStore.get(dialer.peerId)
  assert.ok(protocols.includes('/one'))
})
