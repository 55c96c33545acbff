import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createAdmission } from './admission.ts'
import { createDialer, createTransport } from './transport.ts'

test('strangers who wait while the event loop is busy are let in as their share of it allows', async () => {
  let now = 0
  const refused: string[] = []
  const admission = createAdmission({
    maxConnections: 1000,
    maxSharePercent: 25,
    maxPerPrefix: 8,
    graceMs: 10_000,
    maxOpening: 200,
    maxStreams: 8,
    maxKeptBytes: 1_000_000,
    maxLoopPercent: 25,
    maxWaiting: 100,
    maxWaitMs: 5000,
    loopbackIsKnown: false,
    utilisation: () => 1,
    now: () => now,
    onRefused: reason => refused.push(reason)
  })
  const { valve, connectionGater } = admission
  await using node = await disposable(connectionGater)
  const unwatch = admission.watch(node.node)
  valve.sample()
  const strangers: Socket[] = []
  // What 250 ms of saved time let in is over then.
  for (let i = 0; valve.waiting < 90 && i < 200; i++) {
    const socket = connect({ port: node.port, host: '127.0.0.1', localAddress: `127.30.${i % 15}.${1 + i}` })
    await once(
      socket.on('error', () => {}),
      'connect'
    )
    strangers.push(socket)
    await turn()
  }
  const before = valve.waiting

  const dialer = await createDialer()
  const dialled = dialer.dial(node.address)
  while (valve.waiting === before) await turn()
  now += 250
  const connection = await dialled

  assert.equal(connection.status, 'open')
  assert.ok(valve.waiting >= before - 10, `${valve.waiting} of ${before} wait still`)
  now += 5000
  valve.sample()
  assert.deepEqual([valve.waiting, refused.includes('stranger_wait')], [0, true])

  unwatch()
  for (const socket of strangers) socket.destroy()
  await dialer.stop()
})

async function disposable(connectionGater: Parameters<typeof createTransport>[0]['connectionGater']) {
  const node = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    ...(connectionGater && { connectionGater })
  })
  const address = node.getMultiaddrs()[0]!
  const port = Number(address.getComponents().find(({ name }) => name === 'tcp')!.value)
  return { node, address, port, [Symbol.asyncDispose]: async () => node.stop() }
}
