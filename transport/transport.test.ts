import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { createDialer, createTransport } from './transport.ts'
import type { Encryption, Transport } from './transport.ts'

const PROTOCOL = '/test/echo/1'

void test('a dialer reaches a node over tcp with noise', () => echoes('/ip4/127.0.0.1/tcp/0', 'noise'))
void test('a dialer reaches a node over tcp with tls', () => echoes('/ip4/127.0.0.1/tcp/0', 'tls'))
void test('a dialer reaches a node over WebSockets with noise', () =>
  echoes('/ip4/127.0.0.1/tcp/0/ws', 'noise'))

for (const encryption of ['noise', 'tls'] as const) {
  void test(`a dialer refuses a node that is not the peer it dialled over ${encryption}`, async () => {
    const node = await createTransport(await nodeOptions())
    const dialer = await createDialer({ encryption: [encryption] })
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const address = addressOf(node).decapsulateCode(CODE_P2P).encapsulate(`/p2p/${other.toString()}`)

    await assert.rejects(dialer.dial(address))

    assert.equal(dialer.getConnections().length, 0)
    await Promise.all([dialer.stop(), node.stop()])
  })
}

void test('a node made with start: false has no address until it is started', async () => {
  const node = await createTransport({ ...(await nodeOptions()), start: false })

  assert.deepEqual(node.getMultiaddrs(), [])

  await node.start()
  assert.equal(node.getMultiaddrs().length, 1)
  await node.stop()
})

void test('a node whose port is taken is not made, and the error says so', async () => {
  const node = await createTransport(await nodeOptions())
  const listen = [addressOf(node).decapsulateCode(CODE_P2P).toString()]

  await assert.rejects(async () => createTransport({ ...(await nodeOptions()), listen }), /EADDRINUSE/)

  await node.stop()
})

void test('a node tells peers the announced addresses instead of its own', async () => {
  const announce = ['/dns4/hub.example/tcp/4001']
  const node = await createTransport({ ...(await nodeOptions()), announce })

  assert.match(String(node.getMultiaddrs()[0]), /^\/dns4\/hub\.example\/tcp\/4001\/p2p\//)

  await node.stop()
})

void test('a connection above maxConnections is refused and the others live on', async () => {
  const node = await createTransport({ ...(await nodeOptions()), maxConnections: 1 })
  const [first, second] = await Promise.all([createDialer(), createDialer()])

  const kept = await first.dial(addressOf(node))

  await assert.rejects(second.dial(addressOf(node)))
  assert.equal(kept.status, 'open')
  await Promise.all([first.stop(), second.stop(), node.stop()])
})

async function echoes(listen: string, encryption: Encryption): Promise<void> {
  const node = await createTransport({ ...(await nodeOptions()), listen: [listen] })
  await node.handle(PROTOCOL, stream => {
    stream.addEventListener('message', ({ data }) => void stream.send(data))
  })
  const dialer = await createDialer({ encryption: [encryption] })

  const connection = await dialer.dial(addressOf(node))
  const stream = await connection.newStream(PROTOCOL)

  assert.equal(connection.encryption, encryption === 'noise' ? '/noise' : '/tls/1.0.0')
  assert.equal(await answer(stream, 'ping'), 'ping')
  await Promise.all([dialer.stop(), node.stop()])
}

async function nodeOptions() {
  return { privateKey: await generateKeyPair('Ed25519'), listen: ['/ip4/127.0.0.1/tcp/0'] }
}

function addressOf(node: Transport) {
  const [address] = node.getMultiaddrs()
  return multiaddr(String(address))
}

function answer(stream: Stream, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  stream.addEventListener('message', ({ data }) => resolve(Buffer.from(data.subarray()).toString()), {
    once: true
  })
  stream.send(Buffer.from(text))
  return promise
}

for (const kind of ['', '/ws'] as const) {
  void test(`over /tcp${kind} a peer whose address is denied is refused before anything is made of it`, async () => {
    const asked: string[] = []
    let made = 0
    const connectionGater = {
      denyInboundAddress: (ip: string): boolean => (asked.push(ip), true),
      denyInboundConnection: (): boolean => (made++, false)
    }
    const listen = [`/ip4/127.0.0.1/tcp/0${kind}`]
    const node = await createTransport({ ...(await nodeOptions()), listen, connectionGater })

    const received = await silence(node)

    await node.stop()
    assert.equal(received, 0)
    assert.deepEqual(asked, ['127.0.0.1'])
    assert.equal(made, 0)
  })
}

/** Connects and sends nothing: the bytes that come until the other side closes. */
async function silence(node: Transport): Promise<number> {
  const port = Number(/\/tcp\/(\d+)/.exec(String(node.getMultiaddrs()[0]))![1])
  const socket = createConnection(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  await new Promise(closed => socket.once('close', closed))
  return socket.bytesRead
}
