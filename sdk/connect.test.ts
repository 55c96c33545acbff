import assert from 'node:assert/strict'
import { connect as connectTcp, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createNode, loadConfig } from '../node/index.ts'
import { echoService } from '../protocols/index.ts'
import { createTransport } from '../transport/index.ts'
import { connect } from './index.ts'

const FLAGS = {
  'node.listen': ['/ip4/127.0.0.1/tcp/0'],
  'http.enabled': false,
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
  const hub = await connect(address.replace(/\/tcp\/\d+/, `/tcp/${port}`))
  const silence = (): void => sockets.forEach(socket => socket.unpipe().pause())
  return { hub, echo: hub.client(echoService), cut, silence }
}

test('refuses calls over a link that is gone as upstream, session_lost', async t => {
  const { hub, echo, cut } = await overRelay(t)
  await echo.echo({})
  cut()
  const lost = { name: 'OapError', code: 'upstream', reason: 'session_lost' }

  await assert.rejects(echo.echo({}), lost)
  await assert.rejects(echo.echo({}), lost)
  await assert.rejects(echo.stream({}), lost)
  await assert.rejects(echo.ticks({ count: 1 }), lost)
  await hub.close()
})

test('a call fails at its deadline while its stream cannot be opened', async t => {
  const { hub, echo, silence } = await overRelay(t)
  silence()

  await assert.rejects(echo.stream({}, { deadlineMs: 50 }), { code: 'deadline' })
  await hub.close()
})

test('closes a silent link that holds unsent bytes', { timeout: 20_000 }, async t => {
  const { hub, echo, silence } = await overRelay(t)
  await echo.echo({})
  silence()
  const calls = Array.from({ length: 20 }, () => echo.echo({ body: new Uint8Array(500_000) }))
  const ended = Promise.allSettled(calls)

  await hub.close()

  for (const { status } of await ended) assert.equal(status, 'rejected')
})

test('says not_oap of a peer that answers and does not speak it', async t => {
  const peer = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0']
  })
  t.after(() => peer.stop())

  await assert.rejects(connect(String(peer.getMultiaddrs()[0])), { name: 'ConnectError', code: 'not_oap' })
})

test('says unreachable of a peer that hangs up', async t => {
  const server = createServer(socket => socket.destroy())
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  await assert.rejects(connect(`/ip4/127.0.0.1/tcp/${port}`), { name: 'ConnectError', code: 'unreachable' })
})
