import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { echoService } from '../protocols/index.ts'
import { createTransport } from '../transport/index.ts'
import { addressOf, hubClient, relayTo, runningNode } from './hub.fixture.ts'
import { DeadlineError, LinkError } from './index.ts'
import { ManualTime } from './manual-time.fixture.ts'

const ECHO = 0x0001
const TOPIC = 'jobs'
const HELLO = new Uint8Array(0)
/** Turns of the event loop, of which a wait of any length takes many more. */
const MOST_TURNS = 100

/** Reads until something ends it; yields what did. */
async function endOf(items: AsyncIterable<unknown>, seen: () => void = () => {}): Promise<unknown> {
  try {
    for await (const _ of items) seen()
    return 'no error'
  } catch (error) {
    return error
  }
}

/** A peer that takes streams for OAP/1 and never says anything. */
async function silentPeer(t: TestContext): Promise<string> {
  const peer = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    encryption: ['noise']
  })
  t.after(() => peer.stop())
  await peer.handle('/oap/1.0.0', () => {})
  return String(peer.getMultiaddrs()[0])
}

test('what ends a stream comes in its class, with the call that it ended', { timeout: 120_000 }, async t => {
  const node = await runningNode(t)
  const relay = await relayTo(t, addressOf(node))
  const hub = await hubClient(t, { url: relay.address })
  const named: bigint[] = []
  const onOpen = (corrId: bigint): void => void named.push(corrId)
  const echo = hub.client(echoService)
  const open = {
    events: () => hub.events(ECHO, 'ticks', { count: 100_000 }, { onOpen }),
    'events of a table': () => echo.ticks({ count: 100_000 }, { onOpen })
  }

  for (const [what, opening] of Object.entries(open)) {
    const error = await endOf(await opening(), relay.cut)

    assert.ok(error instanceof LinkError, `${what}: ${String(error)}`)
    assert.deepEqual([error.name, error.code, error.corrId], ['LinkError', 'upstream', named.at(-1)])
  }
})

test('the reason of a signal ends a stream as it is', async t => {
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: addressOf(node) })
  const reason = new DeadlineError('deadline', 'mine')
  const stop = new AbortController()

  const events = await hub.events(ECHO, 'ticks', { count: 100_000 }, { signal: stop.signal })

  assert.equal(await endOf(events, () => stop.abort(reason)), reason)
})

test('the deadline of a stream ends it in the class of deadlines', async t => {
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: addressOf(node) })

  const events = await hub.events(ECHO, 'ticks', { count: 100_000 }, { deadlineMs: 50 })

  const error = await endOf(events)
  assert.ok(error instanceof DeadlineError && error.corrId === events.corrId, String(error))
})

test('hello ends at its deadline, and with its signal', { timeout: 120_000 }, async t => {
  const hub = await hubClient(t, { url: await silentPeer(t), deadlineMs: 50 })
  const reason = new Error('enough')

  await assert.rejects(hub.hello(), error => error instanceof DeadlineError)
  await assert.rejects(hub.hello({ deadlineMs: 60_000, signal: AbortSignal.abort(reason) }), reason)
})

test('hello is asked again where a connection is cut', { timeout: 120_000 }, async t => {
  const node = await runningNode(t)
  const relay = await relayTo(t, addressOf(node))
  const hub = await hubClient(t, { url: relay.address })
  relay.cut()
  relay.cutNextAfter(100, 'RST')

  assert.ok((await hub.hello()).apps.includes(ECHO))
})

test(
  'a receive waits as long as the client says, beside what it waits for',
  { timeout: 120_000 },
  async t => {
    const hub = await hubClient(t, { url: await silentPeer(t), deadlineMs: 50 })

    await assert.rejects(hub.mailbox.recv(TOPIC, { waitMs: 100 }), error => error instanceof DeadlineError)
  }
)

test('closing the client ends the loops over what streams, at once', { timeout: 120_000 }, async t => {
  const node = await runningNode(t)
  const hub = await hubClient(t, { url: addressOf(node) })
  await hub.mailbox.send(TOPIC, 'one')
  const began = Promise.withResolvers<void>()
  const ends = Promise.all([
    endOf(hub.mailbox.subscribe(TOPIC), began.resolve),
    endOf(await hub.events(ECHO, 'ticks', { count: 1_000_000 }, { credit: 100 }))
  ])
  await began.promise

  await hub.close()

  const late = (async () => {
    for (let n = 0; n < MOST_TURNS; n++) await turn()
  })()
  for (const error of (await Promise.race([ends, late])) ?? ['they go on']) {
    assert.ok(error instanceof LinkError, String(error))
    assert.equal(error.reason, 'closed')
  }
})

test(
  'closing the client ends a subscription and a call that wait for the node',
  { timeout: 120_000 },
  async t => {
    const node = await runningNode(t)
    const time = new ManualTime()
    const hub = await hubClient(t, { url: addressOf(node), retry: { baseMs: 60_000, capMs: 60_000 } }, time)
    const subscribed = endOf(hub.mailbox.subscribe(TOPIC))
    await hub.mailbox.stats(TOPIC)
    await node.stop()
    const called = hub.call(ECHO, 'echo', HELLO, { deadlineMs: 600_000 }).catch((error: unknown) => error)
    while (time.waiting.length < 2) await turn()

    await hub.close()

    for (const error of await Promise.all([subscribed, called])) {
      assert.ok(error instanceof LinkError, String(error))
      assert.equal(error.reason, 'closed')
    }
  }
)

test('a traceparent that throws fails no call: it goes without a trace', async t => {
  const node = await runningNode(t)
  const traceparent = (): string => {
    throw new Error('no context')
  }
  const hub = await hubClient(t, { url: addressOf(node), traceparent })

  await hub.call(ECHO, 'echo', HELLO)
  assert.equal(await endOf(await hub.events(ECHO, 'ticks', { count: 1 })), 'no error')
  await hub.client(echoService).echo({})
  await hub.mailbox.send(TOPIC, 'x')
  const [delivery] = await hub.mailbox.recv(TOPIC)

  assert.equal(delivery!.traceparent, undefined)
})

for (const [what, options, says] of [
  ['its deadline', { deadlineMs: 20 }, /DeadlineError/],
  ['its signal', { signal: AbortSignal.timeout(50) }, /TimeoutError/]
] as const) {
  test(`a first refresh that brings nothing ends at ${what}`, { timeout: 120_000 }, async t => {
    const node = await runningNode(t)
    const refresh = (): Promise<string> => new Promise(() => {})

    await assert.rejects(hubClient(t, { url: addressOf(node), refresh, ...options }), says)
  })
}
