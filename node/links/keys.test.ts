import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { delegate, formatSigned, peerPublicKey, signingKey } from '../../federation/index.ts'
import { OapError, echoService } from '../../protocols/index.ts'
import { barePeer } from './bare-peer.fixture.ts'
import type { BareConnection } from './bare-peer.fixture.ts'
import { allow, echo, entriesOf, linkTo, linked, startHub, until } from './hubs.fixture.ts'
import type { TestHub } from './hubs.fixture.ts'

const hexOf = (peer: string): string => Buffer.from(peerPublicKey(peer)!).toString('hex')
const refusal = (call: Promise<unknown>): Promise<readonly unknown[]> =>
  call.then(
    () => ['none'],
    (error: unknown) => (error instanceof OapError ? [error.code, error.reason] : [String(error)])
  )
const learned = (hub: TestHub, change: string): Promise<Record<string, unknown>> =>
  until(
    async () => (await entriesOf(hub, 'peer_key')).find(data => data['change'] === change),
    `an entry about ${change}`
  )

describe('what hubs know of each other’s keys', { timeout: 240_000 }, () => {
  test('a revocation by a running hub is told at once, and leaves a link of another key alone', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)

    await b.operator.links.key_revoke({ key: hexOf(a.peer), reason: 'of an old machine' })

    assert.equal((await learned(a, 'revoked'))['hub'], b.id)
    assert.equal((await linkTo(a, b)).link, 'up')
    assert.equal(await echo(b, a, 'still'), 'still')
    const again = b.operator.links.key_revoke({ key: hexOf(a.peer), reason: '' })
    assert.deepEqual(await refusal(again), ['conflict', undefined])
    assert.deepEqual(await refusal(b.operator.links.key_revoke({ key: 'x', reason: '' })), [
      'bad_request',
      undefined
    ])
  })

  test('a link made by a node key that is revoked ends at once, and its handshakes are refused', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(b, a)
    await linked(a, b)

    await b.operator.links.key_revoke({ key: hexOf(b.peer), reason: 'stolen' })

    const end = await until(
      async () => (await entriesOf(a, 'link')).find(({ change }) => change === 'down'),
      'the end of the link'
    )
    assert.equal(end['reason'], 'revoked')
    const refused = await until(
      async () => (await entriesOf(a, 'handshake_refused')).find(({ code }) => code === 'revoked'),
      'a refused handshake'
    )
    assert.equal(refused['hub'], b.id)
    assert.notEqual((await linkTo(a, b)).link, 'up')
  })

  test('what was revoked while there was no link is known as soon as there is one, and after a restart', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await b.operator.links.key_revoke({ key: hexOf(a.peer), reason: '' })
    await allow(a, b)
    await linked(a, b)

    assert.equal((await learned(a, 'revoked'))['hub'], b.id)

    await a.operator[Symbol.asyncDispose]()
    await a.node.stop()
    const again = await startHub(t, { data: a.data })
    await linked(again, b)
    await until(async () => (await entriesOf(again, 'link')).length >= 3, 'the second link')
    assert.equal((await entriesOf(again, 'peer_key')).length, 1)
  })
})

describe('a hub that said two things', { timeout: 240_000 }, () => {
  test('is linked and may do nothing until the operator removes it', async t => {
    const a = await startHub(t)
    const hubKey = signingKey(randomBytes(32))
    const [one, other] = [await barePeer(t, { hubKey }), await barePeer(t, { hubKey })]
    await a.operator.federation.peer_add({ hub: one.hub, addresses: [] })
    const first = await one.dial(a.address)
    assert.equal((await first.shake(a.id)).kind, 'linked')
    assert.equal(await said(first), 'hi')
    await first.connection.close()
    await until(async () => (await link(a, one.hub)) !== 'up', 'the end of the first link')

    const second = await other.dial(a.address)
    assert.equal((await second.shake(a.id)).kind, 'linked')

    assert.deepEqual(await refusal(said(second)), ['cap_denied', 'quarantine'])
    assert.equal((await learned(a, 'quarantine'))['hub'], one.hub)
    assert.deepEqual(await refusal(a.operator.links.relay({ hub: one.hub, app: 1 })), [
      'quarantined',
      undefined
    ])
    assert.equal(await link(a, one.hub), 'up')
    await a.operator.federation.peer_remove({ hub: one.hub })
    await a.operator.federation.peer_add({ hub: one.hub, addresses: [] })
    const third = await other.dial(a.address)
    assert.equal((await third.shake(a.id)).kind, 'linked')
    assert.equal(await said(third), 'hi')
  })
})

describe('a hub that tells two things over its link', { timeout: 240_000 }, () => {
  test('is in quarantine at once, and out of it as soon as the operator releases it', async t => {
    const a = await startHub(t)
    const hubKey = signingKey(randomBytes(32))
    const bare = await barePeer(t, { hubKey })
    await a.operator.federation.peer_add({ hub: bare.hub, addresses: [] })
    const { caller, federation, connection, shake } = await bare.dial(a.address)
    await shake(a.id)
    const nowS = Math.floor(Date.now() / 1000)
    const line = (key: string) =>
      formatSigned(
        delegate(hubKey, {
          hub: bare.hub,
          node: 'bare',
          role: 'message',
          key,
          not_before: nowS,
          not_after: nowS + 60,
          epoch: 1
        })
      )
    const ticks = await caller.client(echoService).ticks({ count: 1000, interval_ms: 100 })
    const ended = refusal(lastOf(ticks))
    assert.equal(await said({ caller }), 'hi')

    const body = Buffer.from(`${line(hexOf(a.peer))}\n${line(hexOf(bare.party.peerId))}\n`)
    await federation.new_keys({ body })

    assert.deepEqual(await ended, ['cap_denied', 'quarantine'])
    assert.deepEqual(await refusal(said({ caller })), ['cap_denied', 'quarantine'])
    const { state, quarantine } = await a.operator.federation.peer_show({ hub: bare.hub })
    assert.deepEqual([state, quarantine], ['quarantined', 'it signed two delegations of one place'])

    await a.operator.federation.peer_release({ hub: bare.hub })

    assert.equal(await said({ caller }), 'hi')
    assert.equal(connection.status, 'open')
  })
})

describe('the operations about keys', { timeout: 240_000 }, () => {
  test('are for links, bounded, and take no record that is wrong', async t => {
    const a = await startHub(t)
    const hubKey = signingKey(randomBytes(32))
    const bare = await barePeer(t, { hubKey })
    await a.operator.federation.peer_add({ hub: bare.hub, addresses: [] })
    const stranger = await bare.dial(a.address)
    assert.deepEqual(await refusal(stranger.federation.keys({ from: 0 })), ['not_allowlisted', undefined])
    assert.deepEqual(await refusal(stranger.federation.new_keys({ body: Buffer.from('x\n') })), [
      'not_allowlisted',
      undefined
    ])
    assert.equal((await stranger.shake(a.id)).kind, 'linked')

    const { total, body } = await stranger.federation.keys({ from: 0 })
    const lines = Buffer.from(body!).toString().split('\n')
    assert.deepEqual([lines.length - 1, lines.at(-1)], [total, ''])
    assert.equal((await stranger.federation.keys({ from: total })).body!.length, 0)
    assert.equal((await stranger.federation.keys({ from: 576 })).body!.length, 0)
    const tell = (text: string) => refusal(stranger.federation.new_keys({ body: Buffer.from(text) }))
    assert.deepEqual(await tell('no line feed'), ['bad_request', undefined])
    assert.deepEqual(await tell('x'.repeat(40_000)), ['bad_request', undefined])
    assert.deepEqual(await tell('\n'.repeat(32_768)), ['bad_request', undefined])
    assert.deepEqual(await tell('{}\nnull\n'), ['none'])
    const nowS = Math.floor(Date.now() / 1000)
    const foreign = formatSigned(
      delegate(signingKey(randomBytes(32)), {
        hub: bare.hub,
        node: 'bare',
        role: 'message',
        key: hexOf(a.peer),
        not_before: nowS,
        not_after: nowS + 60,
        epoch: 1
      })
    )
    assert.deepEqual(await tell(`${foreign}\n`), ['none'])
    assert.deepEqual(await entriesOf(a, 'peer_key'), [])
    const more = await Promise.all(Array.from({ length: 8 }, () => tell('x')))
    assert.deepEqual(more.at(-1)?.[0], 'quota_peer')

    const next = await bare.dial(a.address)
    assert.equal((await next.shake(a.id)).kind, 'linked')
    const overAnother = Array.from({ length: 8 }, () => next.federation.new_keys({ body: Buffer.from('x') }))
    const told = await Promise.all(overAnother.map(refusal))
    assert.equal(told.at(-1)?.[0], 'quota_peer', 'another link of the hub gives it no more')
  })
})

async function lastOf<T>(events: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined
  for await (const event of events) last = event
  return last
}

const link = async ({ operator }: TestHub, hub: string): Promise<string> =>
  (await operator.federation.peer_show({ hub })).link

async function said({ caller }: Pick<BareConnection, 'caller'>): Promise<string> {
  return Buffer.from(await caller.client(echoService).echo({ body: Buffer.from('hi') })).toString()
}
