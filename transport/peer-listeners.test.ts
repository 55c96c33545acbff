import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { PeerListeners } from './peer-listeners.ts'
import { createDialer, createTransport } from './transport.ts'
import type { Transport } from './transport.ts'

for (const kind of ['', '/ws'] as const) {
  test(`tells the error of a listener on /tcp${kind}, and opens it again where it was`, async t => {
    const { transport, listeners, servers } = await listening(t, [`/ip4/127.0.0.1/tcp/0${kind}`])
    const [address] = transport.getMultiaddrs()
    const serving = listeners.serve(new AbortController().signal)

    servers[0]!.emit('error', new Error('accept EINVAL'))

    await assert.rejects(serving, /accept EINVAL/)
    assert.deepEqual(transport.getMultiaddrs(), [])
    await listeners.open()
    assert.deepEqual(transport.getMultiaddrs().map(String), [String(address)])
    const dialer = await createDialer()
    t.after(() => dialer.stop())
    assert.equal((await dialer.dial(address!)).remotePeer.toString(), transport.peerId.toString())
  })
}

test('keeps the connections of the listeners that did not fail', async t => {
  const { transport, listeners, servers } = await listening(t, [
    '/ip4/127.0.0.1/tcp/0',
    '/ip4/127.0.0.1/tcp/0/ws'
  ])
  const web = transport.getMultiaddrs().find(address => String(address).includes('/ws'))!
  const dialer = await createDialer()
  t.after(() => dialer.stop())
  const connection = await dialer.dial(web)
  const serving = listeners.serve(new AbortController().signal)

  servers[0]!.emit('error', new Error('once'))
  servers[0]!.emit('error', new Error('twice'))
  await assert.rejects(serving, /once/)
  await listeners.open()

  assert.equal(connection.status, 'open')
  assert.equal(transport.getMultiaddrs().length, 2)
})

test('takes a listener that was closed under it for one that failed', async t => {
  const { listeners, servers } = await listening(t, ['/ip4/127.0.0.1/tcp/0'])
  const serving = listeners.serve(new AbortController().signal)

  servers[0]!.close()

  await assert.rejects(serving, /the listener on \/ip4\/127\.0\.0\.1\/tcp\/\d+ was closed/)
})

test('tries again as often as it is asked while another has the port, and keeps none of the attempts', async t => {
  const { transport, listeners, servers } = await listening(t, ['/ip4/127.0.0.1/tcp/0'])
  const [address] = transport.getMultiaddrs().map(String)
  const port = Number(/tcp\/(\d+)/.exec(address!)![1])
  const serving = listeners.serve(new AbortController().signal)
  servers[0]!.emit('error', new Error('gone'))
  await assert.rejects(serving, /gone/)
  const thief = createServer()
  await new Promise<void>(resolve => thief.listen(port, '127.0.0.1', resolve))

  for (let i = 0; i < 3; i++) await assert.rejects(listeners.open(), /EADDRINUSE/)
  await new Promise(resolve => thief.close(resolve))
  await listeners.open()

  assert.deepEqual(transport.getMultiaddrs().map(String), [address])
  assert.equal(listenersOf(transport).length, 1)
})

test('ends quietly when it is told to, also after the node stopped', async t => {
  const { transport, listeners } = await listening(t, ['/ip4/127.0.0.1/tcp/0'])
  const stop = new AbortController()
  const serving = listeners.serve(stop.signal)

  stop.abort()
  await serving
  await listeners.serve(stop.signal)
  await transport.stop()
})

async function listening(t: TestContext, listen: string[]) {
  const privateKey = await generateKeyPair('Ed25519')
  const transport = await createTransport({ privateKey, listen, start: false })
  t.after(() => transport.stop())
  const listeners = new PeerListeners(transport)
  const servers: Server[] = []
  const seen = (message: unknown): void => void servers.push((message as { server: Server }).server)
  subscribe('tracing:net.server.listen:asyncStart', seen)
  await listeners.open().finally(() => unsubscribe('tracing:net.server.listen:asyncStart', seen))
  return { transport, listeners, servers }
}

function listenersOf(transport: Transport): readonly unknown[] {
  const { components } = transport as unknown as {
    components: { transportManager: { getListeners(): unknown[] } }
  }
  return components.transportManager.getListeners()
}
