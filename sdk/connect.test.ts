import assert from 'node:assert/strict'
import { connect as connectTcp, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createNode, loadConfig } from '../node/index.ts'
import { echoService } from '../protocols/index.ts'
import { createTransport } from '../transport/index.ts'
import type { Encryption } from '../transport/index.ts'
import { addressOf, hubClient, relayTo, runningNode } from './hub.fixture.ts'
import { DIAL_TIMEOUT_MS } from './dial.ts'
import { connect } from './index.ts'

const FLAGS = {
  'node.listen': ['/ip4/127.0.0.1/tcp/0'],
  'http.enabled': false,
  'capabilities.openVerbs': ['*'],
  'strangers.loopbackIsKnown': true,
  'log.level': 'silent'
}

/** A connection to a running node over a relay that can be cut, or made silent in both directions. */
async function overRelay(t: TestContext) {
  const node = createNode(loadConfig({ flags: FLAGS }).config)
  t.after(() => node.stop())
  await node.start()
  const address = node.status().addresses[0]!
  const target = Number(/\/tcp\/(\d+)/.exec(address)![1])
  const sockets: Socket[] = []
  const relay = createServer(client => {
    const onward = connectTcp(target, '127.0.0.1')
    sockets.push(client, onward)
    for (const socket of [client, onward]) socket.on('error', () => {})
    client.pipe(onward).pipe(client)
  })
  t.after(() => relay.close())
  const cut = (): void => sockets.forEach(socket => socket.destroy())
  t.after(cut)
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  const { port } = relay.address() as AddressInfo
  const connection = await connect(address.replace(/\/tcp\/\d+/, `/tcp/${port}`))
  const silence = (): void => sockets.forEach(socket => socket.unpipe().pause())
  return { connection, echo: connection.client(echoService), cut, silence }
}

test('refuses calls over a link that is gone as upstream, session_lost', async t => {
  const { connection, echo, cut } = await overRelay(t)
  await echo.echo({})
  cut()
  const lost = { name: 'OapError', code: 'upstream', reason: 'session_lost' }

  await assert.rejects(echo.echo({}), lost)
  await assert.rejects(echo.echo({}), lost)
  await assert.rejects(echo.stream({}), lost)
  await assert.rejects(echo.ticks({ count: 1 }), lost)
  await connection.close()
})

test('a call fails at its deadline while its stream cannot be opened', async t => {
  const { connection, echo, silence } = await overRelay(t)
  silence()

  await assert.rejects(echo.stream({}, { deadlineMs: 50 }), { code: 'deadline' })
  await connection.close()
})

test('closes a silent link that holds unsent bytes', { timeout: 120_000 }, async t => {
  const { connection, echo, silence } = await overRelay(t)
  await echo.echo({})
  silence()
  const calls = Array.from({ length: 20 }, () => echo.echo({ body: new Uint8Array(500_000) }))
  const ended = Promise.allSettled(calls)

  await connection.close()

  for (const { status } of await ended) assert.equal(status, 'rejected')
})

const OTHER_PEER = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMWcvoxf8Vn1'

for (const [address, problem] of [
  ['127.0.0.1:4801', /not a multiaddr; one looks like/],
  ['', /^\(empty\): not a multiaddr/],
  ['/', /not a multiaddr/],
  ['/ip4/127.0.0.1/tcp/99999', /not a multiaddr/],
  [`/ip4/127.0.0.1/tcp/1${'/ws'.repeat(1000)}`, /^.{43}: longer than 1024 characters/],
  ['/ip4/127.0.0.1/tcp/4801/p2p/12D3Koo...', /: 12D3Koo\.\.\. is not a whole peer id; copy the address/],
  [`/ip4/127.0.0.1/tcp/4801/p2p/${OTHER_PEER.slice(0, -1)}`, /is not a whole peer id/],
  ['/ip4/127.0.0.1/udp/4801/quic-v1', /no transport here serves it; write \/ip4\/ADDRESS\/tcp\/PORT/],
  ['/ip4/127.0.0.1', /no transport here serves it/],
  [`/p2p/${OTHER_PEER}`, /no transport here serves it/]
] as const) {
  test(`says bad_address of ${JSON.stringify(address.slice(0, 50))}`, async () => {
    await assert.rejects(connect(address), { name: 'ConnectError', code: 'bad_address', message: problem })
  })
}

for (const encryption of ['noise', 'tls'] as const) {
  test(`says wrong_peer where another peer answers than the address names, over ${encryption}`, async t => {
    const peer = await plainPeer(t)
    const address = String(peer.getMultiaddrs()[0]).replace(/[^/]+$/, OTHER_PEER)

    await assert.rejects(connect(address, { encryption: [encryption] }), {
      name: 'ConnectError',
      code: 'wrong_peer',
      message: /another peer answers there than the address names; copy/
    })
  })
}

test('says not_oap of a peer that answers and does not speak it', async t => {
  const peer = await plainPeer(t)

  await assert.rejects(connect(String(peer.getMultiaddrs()[0])), {
    name: 'ConnectError',
    code: 'not_oap',
    message: /the peer does not speak OAP\/1/
  })
})

test('leaves no connection at a peer that does not speak it', { timeout: 120_000 }, async t => {
  const peer = await plainPeer(t)
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: [String(peer.getMultiaddrs()[0]), addressOf(node)] })
  while (peer.getConnections().length > 0) await new Promise(setImmediate)

  assert.ok((await hub.hello()).apps.length > 0)
})

test('says not_oap of a peer that shares no encryption with it', async t => {
  const peer = await plainPeer(t, ['tls'])

  await assert.rejects(connect(String(peer.getMultiaddrs()[0]), { encryption: ['noise'] }), {
    name: 'ConnectError',
    code: 'not_oap',
    message: /shares no encryption/
  })
})

const HTTP = 'HTTP/1.1 400 Bad Request\r\n\r\n'

for (const [what, serve, code, problem] of [
  ['an HTTP server', socket => socket.end(HTTP), 'not_oap', /something answers there, but it is no libp2p/],
  ['an SSH server', socket => socket.end('SSH-2.0-server\r\n'), 'not_oap', /it is no libp2p/],
  ['a peer that sends noise', socket => socket.end(Buffer.alloc(500, 7)), 'not_oap', /it is no libp2p/],
  ['a peer that hangs up', socket => socket.destroy(), 'unreachable', /was cut off at once/],
  ['a peer that resets', socket => socket.resetAndDestroy(), 'unreachable', /was cut off at once/],
  ['a WebSocket that does not open', socket => socket.end(HTTP), 'unreachable', /no WebSocket opens there/]
] as const satisfies readonly (readonly [string, (socket: Socket) => unknown, string, RegExp])[]) {
  test(`says ${code} of ${what}`, async t => {
    const path = what.startsWith('a WebSocket') ? '/ws' : ''
    const address = `${await listenerAddress(t, serve)}${path}`

    await assert.rejects(connect(address), { name: 'ConnectError', code, message: problem })
  })
}

for (const encryption of ['noise', 'tls'] as const) {
  for (const kind of ['FIN', 'RST'] as const) {
    test(`says unreachable of a node whose answer is cut by ${kind} in the handshake, over ${encryption}`, async t => {
      const node = await runningNode(t)
      const relay = await relayTo(t, addressOf(node))
      // Within the length of a message, its text, the next, what encrypts, and behind it.
      for (const bytes of [1, 2, 19, 20, 21, 24, 27, 28, 29, 33, 60, 100, 150, 200]) {
        relay.cutNextAfter(bytes, kind)

        await assert.rejects(connect(relay.address, { encryption: [encryption] }), {
          name: 'ConnectError',
          code: 'unreachable',
          message: /was cut off at once/
        })
      }
    })
  }
}

test('says unreachable where nobody listens, and of a name that nobody has', async () => {
  await assert.rejects(connect('/ip4/127.0.0.1/tcp/1'), {
    code: 'unreachable',
    message: /no node listens there; check that it runs/
  })
  await assert.rejects(connect('/dns4/no-such-host.invalid/tcp/1'), {
    code: 'unreachable',
    message: /its name cannot be resolved; check the name/
  })
})

test('waits for a listener that says nothing no longer than dialTimeoutMs', async t => {
  const address = await listenerAddress(t, () => undefined)
  const asked = performance.now()

  await assert.rejects(connect(address, { dialTimeoutMs: 200 }), {
    code: 'unreachable',
    message: /does not answer|no answer in time/
  })

  assert.ok(performance.now() - asked < DIAL_TIMEOUT_MS)
})

test('says of a listener that says nothing that something is there', { timeout: 120_000 }, async t => {
  const address = await listenerAddress(t, () => undefined)

  await assert.rejects(connect(address), {
    code: 'unreachable',
    message: /something takes the connection there but does not answer/
  })
})

test('gives the reason of the caller who no longer waits', async t => {
  const address = await listenerAddress(t, () => undefined)
  const reason = new Error('enough')

  await assert.rejects(connect(address, { signal: AbortSignal.abort(reason) }), reason)
})

async function plainPeer(t: TestContext, encryption: readonly Encryption[] = ['noise', 'tls']) {
  const peer = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    encryption
  })
  t.after(() => peer.stop())
  return peer
}

/** The address of something that is no peer: it does with each socket what `serve` does. */
async function listenerAddress(t: TestContext, serve: (socket: Socket) => unknown): Promise<string> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined).resume()
    serve(socket)
  })
  t.after(() => {
    sockets.forEach(socket => socket.destroy())
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
}
