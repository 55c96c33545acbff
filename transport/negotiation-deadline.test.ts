import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { endingDeadlines } from './negotiation-deadline.ts'
import { createDialer, createTransport } from './transport.ts'

const LATE_MS = 10_000

test('a deadline ends with what it was for, and not before', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stock = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout')
  const signals: AbortSignal[] = []
  const takes = (until: Promise<void>) => () => {
    signals.push(AbortSignal.timeout(LATE_MS))
    return until
  }

  endingDeadlines(takes(Promise.resolve()))
  endingDeadlines(takes(Promise.reject(new Error('reset'))))
  endingDeadlines(takes(new Promise(() => undefined)))
  await turn()
  t.mock.timers.tick(LATE_MS)

  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false, false, true]
  )
  assert.equal((signals[2]!.reason as Error).name, 'TimeoutError')
  assert.deepEqual(Object.getOwnPropertyDescriptor(AbortSignal, 'timeout'), stock)
})

test('what throws leaves AbortSignal as it was', () => {
  const stock = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout')

  assert.throws(
    () =>
      endingDeadlines(() => {
        throw new Error('broke')
      }),
    /broke/
  )

  assert.deepEqual(Object.getOwnPropertyDescriptor(AbortSignal, 'timeout'), stock)
})

test('a node serves inbound streams, and resets one that is not negotiated in time', async t => {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] })
  t.after(() => node.stop())
  const dialer = await createDialer()
  t.after(() => dialer.stop())
  const served: Stream[] = []
  await node.handle('/one', stream => void served.push(stream))
  node.addEventListener('connection:open', ({ detail }) => {
    const inbound: Connection & { inboundStreamProtocolNegotiationTimeout?: number } = detail
    assert.equal(inbound.inboundStreamProtocolNegotiationTimeout, LATE_MS)
    inbound.inboundStreamProtocolNegotiationTimeout = 20
  })

  const connection = await dialer.dial(node.getMultiaddrs()[0]!)
  await connection.newStream('/one')
  const { muxer } = connection as unknown as { muxer: { createStream(): Promise<Stream> } }
  const silent = await muxer.createStream()
  await once(silent as unknown as EventTarget, 'close')

  assert.equal(silent.status, 'reset')
  assert.deepEqual(
    served.map(({ status }) => status),
    ['open']
  )
})
