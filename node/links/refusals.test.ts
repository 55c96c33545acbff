import assert from 'node:assert/strict'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import { barePeer } from './bare-peer.fixture.ts'
import type { BarePeer } from './bare-peer.fixture.ts'
import { allow, entriesOf, hubFolder, linkTo, linked, startHub, until } from './hubs.fixture.ts'
import type { TestHub } from './hubs.fixture.ts'

const allowBare = (a: TestHub, { hub }: BarePeer): Promise<unknown> =>
  a.operator.federation.peer_add({ hub, addresses: [] })

const refused = (call: Promise<unknown>): Promise<readonly unknown[]> =>
  call.then(
    () => ['none'],
    (error: unknown) => (error instanceof OapError ? [error.status, error.code] : [String(error)])
  )

/** What a hub recorded of its newest refused handshake. */
const refusal = (hub: TestHub): Promise<Record<string, unknown>> =>
  until(async () => (await entriesOf(hub, 'handshake_refused')).at(-1), 'an entry about a refusal')

describe('no link comes up', { timeout: 240_000 }, () => {
  test('with a hub that does not have this one on its list; both say so', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await a.operator.federation.peer_add({ hub: b.id, addresses: [b.address] })

    const why = await until(async () => {
      const { link, why: said } = await linkTo(a, b)
      return link === 'down' && said.includes('refused') && said
    }, 'a refusal')

    assert.equal(why, 'the other hub refused: not_allowlisted')
    const { code, role, hub, transcript } = await refusal(b)
    assert.deepEqual([code, role, hub, transcript], ['not_allowlisted', 'responder', a.id, undefined])
    assert.equal((await refusal(a))['told'], 'not_allowlisted')
    assert.equal((await b.operator.federation.federation_status({})).up, 0)
  })

  test('with a hub of another federation', async t => {
    const a = await startHub(t)
    const b = await startHub(t, { flags: { 'federation.name': 'other' } })
    await allow(a, b)

    const why = await until(
      async () => (await linkTo(a, b)).why.startsWith('the other') && (await linkTo(a, b)).why,
      'why'
    )

    assert.equal(why, 'the other hub refused: other_federation')
    assert.equal((await refusal(b))['code'], 'other_federation')
  })

  test('with another hub than the one that was dialled for', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    const absent = await barePeer(t)
    await a.operator.federation.peer_add({ hub: absent.hub, addresses: [b.address] })

    const { code, hub } = await refusal(a)

    assert.deepEqual([code, hub], ['other_hub', absent.hub])
    const why = async () => (await a.operator.federation.peer_show({ hub: absent.hub })).why
    await until(async () => (await why()) === 'refused here: other_hub', 'why')
  })

  test('with a hub whose delegation has expired', async t => {
    const a = await startHub(t)
    const nowS = Math.floor(Date.now() / 1000)
    const late = await barePeer(t, { delegation: { not_before: nowS - 7200, not_after: nowS - 3600 } })
    await allowBare(a, late)
    const { shake } = await late.dial(a.address)

    const outcome = await shake(a.id)

    assert.deepEqual(['code' in outcome && outcome.code], ['expired_delegation'])
    assert.equal((await refusal(a))['code'], 'expired_delegation')
  })

  test('with this node itself', async t => {
    const a = await startHub(t)
    const other = await barePeer(t)
    const address = a.address.replace(/\/p2p\/.*/, '')
    await a.operator.federation.peer_add({ hub: other.hub, addresses: [address] })

    const why = await until(async () => {
      const { why: said } = await a.operator.federation.peer_show({ hub: other.hub })
      return said.startsWith('not') && said !== 'not dialled yet' && said
    }, 'why')

    assert.match(why, /itself|self/)
  })
})

test('a clock an hour ahead is recorded, and no reason to refuse', async t => {
  const a = await startHub(t)
  const fast = await barePeer(t, { aheadS: 3600 })
  await allowBare(a, fast)
  const { shake } = await fast.dial(a.address)

  const outcome = await shake(a.id)

  assert.equal(outcome.kind, 'linked')
  const [entry] = await entriesOf(a, 'handshake')
  assert.equal(entry?.['ahead'], true)
  assert.ok(Math.abs(Number(entry?.['skew_s']) - 3600) < 10)
})

test('of two nodes with one key the second is turned away as long as the first is there', async t => {
  const [a, b] = [await startHub(t), await startHub(t)]
  await allow(a, b)
  await linked(a, b)
  const copy = hubFolder(t)
  await mkdir(copy, { mode: 0o700 })
  for (const part of ['keys', 'FORMAT']) await cp(join(a.data, part), join(copy, part), { recursive: true })
  const twin = await startHub(t, { data: copy })
  await twin.operator.federation.peer_add({ hub: b.id, addresses: [b.address] })

  const ends = await until(async () => {
    const links = await entriesOf(b, 'link')
    return links.some(({ reason }) => reason === 'second_node') && links
  }, 'the second node')

  assert.deepEqual(
    ends.filter(({ change, reason }) => change === 'down' && reason !== 'second_node'),
    []
  )
  assert.equal((await linkTo(b, a)).link, 'up')
  assert.equal((await linkTo(a, b)).link, 'up')
})

describe('a stranger', { timeout: 240_000 }, () => {
  test('gets one handshake for a connection, and a named refusal for whatever else it sends', async t => {
    const a = await startHub(t)
    const stranger = await barePeer(t)
    const body = Buffer.from('{}')
    const first = await stranger.dial(a.address)

    assert.deepEqual(await refused(first.federation.hello({ body })), [400, 'malformed'])
    assert.deepEqual(await refused(first.federation.hello({ body })), [409, 'second_handshake'])
    const second = await stranger.dial(a.address)
    assert.deepEqual(await refused(second.federation.prove({ body, signature: '00'.repeat(64) })), [
      409,
      'out_of_order'
    ])
    const third = await stranger.dial(a.address)
    assert.deepEqual(await refused(third.federation.probe({})), [403, 'not_allowlisted'])
    assert.deepEqual(await refused(third.federation.leave({ reason: 'removed' })), [403, 'not_allowlisted'])
    const outcome = await third.shake(a.id)
    assert.deepEqual('code' in outcome && outcome.code, 'not_allowlisted')
  })

  test('is refused pairing while no invite is open, in the words for everybody', async t => {
    const a = await startHub(t)
    const stranger = await barePeer(t)
    const { shake } = await stranger.dial(a.address)

    const outcome = await shake(a.id, new Uint8Array(32))

    assert.equal('code' in outcome && outcome.code, 'not_allowlisted')
    assert.equal((await refusal(a))['code'], 'no_invite')
  })

  test('voids an invite by guessing five times, at most once a second', async t => {
    const a = await startHub(t)
    const stranger = await barePeer(t)
    await a.operator.links.pair_invite({})
    const codes: unknown[] = []
    for (let n = 0; n < 2; n++) {
      const { shake } = await stranger.dial(a.address)
      const outcome = await shake(a.id, new Uint8Array(32))
      codes.push('code' in outcome && outcome.code)
    }

    assert.deepEqual(codes, ['not_allowlisted', 'quota_peer'])
    assert.equal((await a.operator.links.pair_state({})).invite, 'open')
    assert.equal((await refusal(a))['code'], 'wrong_secret')
  })
})
