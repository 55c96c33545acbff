import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { watchLiveness } from './liveness.ts'
import { createDialer, createTransport } from './transport.ts'

const PING = '/ipfs/ping/1.0.0'

async function connected({ timeoutMs = 10_000 } = {}) {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] })
  watchLiveness(node, { intervalMs: 1, timeoutMs, phase: () => 1 })
  const dialer = await createDialer()
  return {
    node,
    dialer,
    open: async () => dialer.dial(node.getMultiaddrs()[0]!),
    async [Symbol.asyncDispose]() {
      await Promise.all([dialer.stop(), node.stop()])
    }
  }
}

test('a peer that does not answer its ping is gone', async () => {
  await using pair = await connected({ timeoutMs: 50 })
  await pair.dialer.handle(PING, () => {})
  const gone = once(pair.node as unknown as EventTarget, 'connection:close')

  await pair.open()

  await gone
  assert.equal(pair.node.getConnections().length, 0)
})

test('a peer that answers is asked again and stays', async () => {
  await using pair = await connected()
  let asked = 0
  await pair.dialer.handle(PING, (stream: Stream) => {
    asked++
    stream.addEventListener('message', ({ data }) => void stream.send(data))
    stream.addEventListener('remoteCloseWrite', () => void stream.close())
  })

  const connection = await pair.open()
  while (asked < 3) await turn()

  assert.equal(connection.status, 'open')
})

test('a peer that does not speak ping is alive', async () => {
  await using pair = await connected()
  await pair.open()
  while (pair.node.getConnections().length === 0) await turn()
  const asking = pair.node.getConnections()[0]!
  const newStream = asking.newStream.bind(asking)
  let asked = 0
  asking.newStream = (...args) => (asked++, newStream(...args))

  while (asked < 3) await turn()

  assert.equal(asking.status, 'open')
})
