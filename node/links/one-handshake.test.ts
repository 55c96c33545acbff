import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { hubId, initiate, publicBytes, signingKey } from '../../federation/index.ts'
import { OAP_PROTOCOL, type OapError, federationService } from '../../protocols/index.ts'
import { createTransport } from '../../transport/index.ts'
import { endings } from '../endings.fixture.ts'
import { barePeer } from './bare-peer.fixture.ts'
import { startHub } from './hubs.fixture.ts'
import { newNonce, thisMoment } from './party.ts'
import { callsTo } from './peer-calls.ts'

describe('handshakes of a running node', { timeout: 240_000 }, () => {
  test('are one for each connection: whoever it dialled and greets gets no second one out of it', async t => {
    const a = await startHub(t)
    const other = await createTransport({
      privateKey: await generateKeyPair('Ed25519'),
      listen: ['/ip4/127.0.0.1/tcp/0']
    })
    endings(t).defer(() => other.stop())
    const greeted = Promise.withResolvers<Connection>()
    await other.handle(OAP_PROTOCOL, (_stream, connection) => greeted.resolve(connection))
    const hub = hubId(publicBytes(signingKey(randomBytes(32))))
    const address = other.getMultiaddrs()[0]!.toString()
    await a.operator.federation.peer_add({ hub, addresses: [address] })
    const connection = await greeted.promise

    const { party } = await barePeer(t)
    const dialled = { peer: a.peer, nonce: newNonce(), hub: a.id }
    const { body } = initiate(party, dialled, thisMoment()).send!
    const hello = callsTo(connection).client(federationService).hello({ body })

    await assert.rejects(
      hello,
      (error: OapError) => error.status === 409 && error.code === 'second_handshake'
    )
  })

  test('say and judge the time by the clock that is not set back', async t => {
    const a = await startHub(t)
    const bare = await barePeer(t, { aheadS: 3600 })
    await a.operator.federation.peer_add({ hub: bare.hub, addresses: [] })
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 })
    const { shake } = await bare.dial(a.address)

    const outcome = await shake(a.id)

    assert.ok(outcome.kind === 'linked', JSON.stringify(outcome))
    assert.ok(Math.abs(outcome.skewS) < 60, `the clocks differ by ${outcome.skewS} s`)
  })
})
