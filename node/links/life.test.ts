import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HANDSHAKE } from '../../federation/index.ts'
import { echoService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { barePeer } from './bare-peer.fixture.ts'
import { allow, echo, entriesOf, linkTo, linked, startHub, until } from './hubs.fixture.ts'
import type { TestHub } from './hubs.fixture.ts'

const refusal = (call: Promise<unknown>): Promise<readonly unknown[]> =>
  call.then(
    () => ['none'],
    (error: unknown) => [(error as OapError).code, (error as OapError).reason]
  )

const ups = async (hub: TestHub): Promise<number> =>
  (await entriesOf(hub, 'link')).filter(({ change }) => change === 'up').length

/** Every connection that a node has. */
const connections = (hub: TestHub): number => Number(hub.node.status()['connections'])

describe('a link', { timeout: 240_000 }, () => {
  test('is one where both hubs dial at the same time', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await Promise.all([
      a.operator.federation.peer_add({ hub: b.id, addresses: [b.address] }),
      b.operator.federation.peer_add({ hub: a.id, addresses: [a.address] })
    ])

    await linked(a, b)
    await until(async () => connections(a) === 1 && connections(b) === 1, 'one connection')
    await linked(a, b)

    assert.equal(await echo(a, b, 'x'), 'x')
    assert.equal(await echo(b, a, 'y'), 'y')
  })

  test('comes back after the other hub was away', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)
    const port = /tcp\/(\d+)/.exec(b.address)![1]
    await b.operator[Symbol.asyncDispose]()
    await b.node.stop()
    const why = await until(async () => {
      const { link, why: said } = await linkTo(a, b)
      return link !== 'up' && said
    }, 'the end')

    const again = await startHub(t, {
      data: b.data,
      flags: { 'node.listen': [`/ip4/127.0.0.1/tcp/${port}`] }
    })
    await linked(a, again)

    assert.equal(why, 'the last link ended: left')
    assert.equal(await echo(a, again, 'again'), 'again')
    assert.equal(await ups(a), 2)
  })

  test('obeys a treaty that is edited, at once', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)
    assert.equal(await echo(a, b, 'allowed'), 'allowed')
    const treaty = Buffer.from(JSON.stringify({ verbs: ['mailbox:send'] }))
    await b.operator.federation.treaty_edit({ hub: a.id, body: treaty })

    assert.deepEqual(await refusal(echo(a, b, 'no more')), ['cap_denied', 'verb'])
    assert.equal(await echo(b, a, 'the other way'), 'the other way')
    const verbs = async () => {
      const { body } = await a.operator.federation.treaty_show({ hub: b.id })
      const { theirs } = JSON.parse(Buffer.from(body!).toString()) as { theirs: { verbs: string[] } }
      return theirs.verbs.join() === 'mailbox:send'
    }
    await until(verbs, 'the new treaty at the other side')
    assert.equal((await linkTo(a, b)).link, 'up')
    assert.equal(await ups(a), 1)
  })

  test('ends when the operator removes the hub, who is told why, and is refused from then on', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)

    await b.operator.federation.peer_remove({ hub: a.id })

    const why = await until(async () => {
      const { link, why: said } = await linkTo(a, b)
      return link === 'down' && said.includes('refused') && said
    }, 'a refusal')
    assert.equal(why, 'the other hub refused: not_allowlisted')
    const ends = await entriesOf(b, 'link')
    assert.deepEqual([ends.at(-1)?.['change'], ends.at(-1)?.['reason']], ['down', 'removed'])
    assert.deepEqual(await refusal(echo(a, b, 'x')), ['no_link', undefined])
    assert.equal(connections(b), 0)
  })

  test('takes its running calls with it', async t => {
    const a = await startHub(t)
    const bare = await barePeer(t)
    const treaty = Buffer.from(JSON.stringify({ verbs: ['echo:call'] }))
    await a.operator.federation.peer_add({ hub: bare.hub, addresses: [], body: treaty })
    const { caller, shake, connection } = await bare.dial(a.address)
    assert.equal((await shake(a.id)).kind, 'linked')
    const ticks = await caller.client(echoService).ticks({ count: 100_000, interval_ms: 5 })
    const first = Promise.withResolvers<void>()
    const ended = refusal(
      (async () => {
        for await (const _ of ticks) first.resolve()
      })()
    )
    await first.promise

    await a.operator.federation.peer_remove({ hub: bare.hub })

    assert.deepEqual(await ended, ['cap_revoked', 'grant'])
    await until(async () => connection.status !== 'open', 'the end of the connection')
  })

  test('ends with its treaty', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)
    const soon = Math.floor(Date.now() / 1000) + 4

    const treaty = Buffer.from(JSON.stringify({ verbs: ['echo:call'], expires: soon }))
    await b.operator.federation.treaty_edit({ hub: a.id, body: treaty })

    await until(
      async () => (await entriesOf(b, 'link')).at(-1)?.['reason'] === 'treaty_expired',
      'the end of the treaty'
    )
    assert.equal((await linkTo(b, a)).link, 'down')
  })

  test('ends with the delegation that proved its other side, and says so', async t => {
    const a = await startHub(t)
    const nowS = Math.floor(Date.now() / 1000)
    const delegation = { not_before: nowS - 3600, not_after: nowS - HANDSHAKE.skewS + 6 }
    const bare = await barePeer(t, { delegation })
    await a.operator.federation.peer_add({ hub: bare.hub, addresses: [] })
    const { shake, connection } = await bare.dial(a.address)
    assert.equal((await shake(a.id)).kind, 'linked')

    const why = async () => (await a.operator.federation.peer_show({ hub: bare.hub })).why
    await until(async () => (await why()) === 'the last link ended: delegation_expired', 'the end')

    assert.equal((await entriesOf(a, 'link')).at(-1)?.['reason'], 'delegation_expired')
    await until(async () => connection.status !== 'open', 'the end of the connection')
  })
})

describe('a relayed call', { timeout: 240_000 }, () => {
  test('reaches no operation of the admin or federation service, and is recorded as the operator’s', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)
    const call = (app: number, payload = '{"op":"probe"}') =>
      a.operator.links.relay({ hub: b.id, app, body: Buffer.from(payload) })

    assert.deepEqual(await refusal(call(0x0003)), ['bad_request', undefined])
    assert.deepEqual(await refusal(call(0x0501)), ['bad_request', undefined])
    assert.deepEqual(await refusal(call(0x7fff)), ['unknown_app', undefined])
    assert.deepEqual(await refusal(call(1, '{"op":"nothing"}')), ['unknown_operation', undefined])
    assert.deepEqual(await refusal(call(1, 'not JSON')), ['bad_payload', undefined])
    assert.deepEqual(
      (await entriesOf(a, 'relay')).map(({ app, hub }) => [app, hub]),
      [0x7fff, 1, 1].map(app => [app, b.id])
    )
  })
})
