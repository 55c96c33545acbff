import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createDialer, createTransport } from './transport.ts'

interface Held {
  readonly socket: Socket
  readonly letIn: () => void
}

/** A node that holds everybody who connects, until the test lets them in. */
async function holding(listen: string) {
  const held: Held[] = []
  const waiting: ((one: Held) => void)[] = []
  const node = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: [listen],
    connectionGater: {
      holdInbound: (socket, letIn) => {
        const one = { socket, letIn }
        const next = waiting.shift()
        if (next === undefined) held.push(one)
        else next(one)
      }
    }
  })
  const address = node.getMultiaddrs()[0]!
  return {
    node,
    address,
    port: Number(address.getComponents().find(({ name }) => name === 'tcp')!.value),
    nextHeld: () => {
      const one = held.shift()
      return one === undefined ? new Promise<Held>(resolve => waiting.push(resolve)) : Promise.resolve(one)
    },
    [Symbol.asyncDispose]: async () => node.stop()
  }
}

for (const [name, listen] of [
  ['TCP', '/ip4/127.0.0.1/tcp/0'],
  ['WebSocket', '/ip4/127.0.0.1/tcp/0/ws']
] as const)
  describe(`a ${name} connection that is held`, () => {
    test('is not read, and goes on as if it had just come when it is let in', async () => {
      await using hub = await holding(listen)
      const dialer = await createDialer()
      const dialled = dialer.dial(hub.address)
      const { socket, letIn } = await hub.nextHeld()
      for (let i = 0; i < 50; i++) await turn()
      assert.deepEqual([socket.bytesRead, hub.node.getConnections().length], [0, 0])

      letIn()

      const connection = await dialled
      assert.equal(connection.status, 'open')
      await dialer.stop()
    })

    test('holds up nobody who comes after it', async () => {
      await using hub = await holding(listen)
      const dialer = await createDialer()
      const waiting = connect(hub.port, '127.0.0.1').on('error', () => {})
      await hub.nextHeld()
      const dialled = dialer.dial(hub.address)
      const { letIn } = await hub.nextHeld()

      letIn()

      assert.equal((await dialled).status, 'open')
      waiting.destroy()
      await dialer.stop()
    })

    test('ends with its listener', async () => {
      const hub = await holding(listen)
      const waiting = connect(hub.port, '127.0.0.1').on('error', () => {})
      const closed = once(waiting, 'close')
      await hub.nextHeld()

      await hub.node.stop()

      await closed
    })
  })
