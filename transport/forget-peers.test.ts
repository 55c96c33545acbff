import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createDialer, createTransport } from './transport.ts'

void test('a peer that left is forgotten, a tagged one is not', async () => {
  const node = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0']
  })
  const [stranger, friend] = await Promise.all([createDialer(), createDialer()])
  await Promise.all([stranger.dial(node.getMultiaddrs()), friend.dial(node.getMultiaddrs())])
  await node.peerStore.merge(stranger.peerId, { protocols: ['/x/1'] })
  await node.peerStore.merge(friend.peerId, { tags: { treaty: { value: 50 } } })

  await Promise.all([stranger.stop(), friend.stop()])

  for (let i = 0; await node.peerStore.has(stranger.peerId); i++) {
    assert.ok(i < 10_000, 'the peer stayed')
    await turn()
  }
  assert.equal(await node.peerStore.has(friend.peerId), true)
  await node.stop()
})
