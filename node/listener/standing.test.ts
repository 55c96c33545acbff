import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { serviceDirectory } from '../../protocols/index.ts'
import type { ConnectionState } from '../../protocols/index.ts'
import { createTransport } from '../../transport/index.ts'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { echo } from '../handlers/echo.ts'
import { nodeBase } from '../start/base.ts'
import { openIdentity } from '../start/identity.ts'
import { servePeers } from '../start/peers.ts'
import { startSessions } from '../start/sessions.ts'

const STRANGER = { bytes: 70_000, calls: 2 }

/** A node that listens, and one connection with another node, which `dialled` opened. */
async function connected(t: TestContext, dialled: 'here' | 'there') {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': false,
      'strangers.bufferBytes': STRANGER.bytes,
      'strangers.maxCalls': STRANGER.calls
    }
  })
  const started = new AsyncDisposableStack()
  endings(t).use(started)
  const base = nodeBase(config, {}, started)
  const identity = await openIdentity(base, {})
  const hostSessions = await startSessions(base, { apps: [0], revocationSeq: () => 0 })
  const host = hostSessions(serviceDirectory([echo]))
  const peers = await servePeers(base, { ...identity, host, grants: { remove: () => false } })
  const other = await createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0']
  })
  endings(t).defer(() => other.stop())
  const opened = new Promise<Connection>(resolve =>
    peers.transport.addEventListener('connection:open', ({ detail }) => resolve(detail), { once: true })
  )
  const [from, to] = dialled === 'here' ? [peers.transport, other] : [other, peers.transport]
  await from.dial(to.getMultiaddrs()[0]!)
  const connection = await opened
  return { ...peers, connection, state: peers.stateOf(connection) }
}

/** What a connection that holds as much as a stranger may is refused. */
function refusals(state: ConnectionState): readonly unknown[] {
  const opened = Array.from({ length: STRANGER.calls + 1 }, () => state.openCall(1))
  for (const refused of opened) if (refused === undefined) state.endCall()
  return [state.budget.isSpent, opened.at(-1)?.code]
}

for (const dialled of ['there', 'here'] as const) {
  test(`a connection that was dialled ${dialled} is a stranger's but while it has a link`, async t => {
    const { connection, state, linked, budget } = await connected(t, dialled)
    state.budget.hold(STRANGER.bytes)
    assert.deepEqual(refusals(state), [true, 'quota_peer'])
    assert.equal(budget.strangers.heldBytes, STRANGER.bytes)

    linked.link(connection)
    assert.deepEqual(refusals(state), [false, undefined])
    assert.equal(budget.strangers.heldBytes, 0)

    linked.unlink(connection)
    assert.deepEqual(refusals(state), [true, 'quota_peer'])
    assert.equal(budget.strangers.heldBytes, STRANGER.bytes)

    state.budget.release(STRANGER.bytes)
    assert.deepEqual([budget.strangers.heldBytes, budget.all.heldBytes], [0, 0])
  })

  test(`one that was dialled ${dialled} and has shown a token stays known when its link ends`, async t => {
    const { connection, state, linked } = await connected(t, dialled)
    state.budget.hold(STRANGER.bytes)
    linked.link(connection)
    state.proved()

    linked.unlink(connection)

    assert.deepEqual(refusals(state), [false, undefined])
  })
}
