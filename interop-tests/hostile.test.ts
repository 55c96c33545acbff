import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import test from 'node:test'
import { echoService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { sampleBytes } from './bodies.ts'
import { within } from './child.ts'
import { OurNode } from './our-node.ts'

const CLOSE_MS = 30_000
const MULTISTREAM = '\x13/multistream/1.0.0\n'
const NOISE = '\x07/noise\n'

const GARBAGE: readonly [what: string, bytes: Uint8Array][] = [
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: hub.example\r\n\r\n')],
  ['random bytes', sampleBytes(100_000)],
  ['a multistream line of 4 GiB', Buffer.from('ffffffff0f', 'hex')],
  [
    'a protocol that nobody serves, ten thousand times',
    Buffer.from(MULTISTREAM + '\x05/no/1\n'.repeat(10_000))
  ],
  ['noise, then random bytes', Buffer.concat([Buffer.from(MULTISTREAM + NOISE), sampleBytes(70_000)])],
  [
    'noise, then a handshake of 64 KiB of zeros',
    Buffer.concat([Buffer.from(MULTISTREAM + NOISE), Buffer.alloc(65_537, 0)])
  ]
]

for (const [what, bytes] of GARBAGE) {
  test(`a peer that sends ${what} is cut off, and others are served`, async () => {
    await using node = await OurNode.start()
    const socket = open(node.address)

    socket.write(bytes)
    socket.resume()

    await within(CLOSE_MS, 'the end of the connection', closed(socket))
    await serves(node)
  })
}

test('a peer that opens a connection and says nothing is cut off', async () => {
  await using node = await OurNode.start()
  const socket = open(node.address)

  socket.resume()

  await within(CLOSE_MS, 'the end of the connection', closed(socket))
  await serves(node)
})

test('a hundred silent connections do not keep others out of a node that counts them as strangers', async () => {
  await using node = await OurNode.start({ strangers: true })
  const sockets = Array.from({ length: 100 }, () => open(node.address))
  const ends = sockets.map(socket => closed(socket.resume()))

  await within(CLOSE_MS, 'the end of the connections', Promise.all(ends))

  await serves(node)
})

function open(address: string): Socket {
  const [, host = '', port = ''] = /^\/ip4\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
  const socket = connectTcp(Number(port), host)
  socket.on('error', () => undefined)
  return socket
}

const closed = (socket: Socket): Promise<void> =>
  new Promise(resolve => socket.once('close', () => resolve()))

async function serves(node: OurNode): Promise<void> {
  await using hub = await connect(node.address)
  const body = Buffer.from('still here')

  assert.deepEqual(Buffer.from(await hub.client(echoService).echo({ body })), body)
  assert.doesNotMatch(node.child.stderr, /ServiceCrashed|\n\s+at /)
}
