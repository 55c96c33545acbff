import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { goIsMissing } from '../go-build.ts'
import { buildGoPeer } from '../go-peer.ts'
import { GoHub, until } from '../links/go-hub.ts'
import { Hub } from '../links/hub.ts'
import { SHARED, allow, get, providersOf, put, reportOf } from './operator.ts'
import { sample } from './sample.ts'

const OPTIONS = { skip: goIsMissing() ?? false, timeout: 240_000 }
const LEAF = 65_536

/** Records that our node must not keep, and what becomes of a question behind them on their stream. */
const STRAY_RECORDS: readonly [way: string, told: string][] = [
  ['other peer', 'answer'],
  ['other hash', 'reset'],
  ['no hash', 'reset'],
  ['no key', 'reset'],
  ['too long', 'reset'],
  ['value', 'reset'],
  ['public key', 'reset']
]

describe('a hub in Go that shares blobs', OPTIONS, () => {
  let ours: Hub
  let operator: AdminClient

  before(async () => {
    buildGoPeer()
    ours = await Hub.start()
    operator = await connectAdmin(ours.data)
  })
  after(async () => {
    await operator?.[Symbol.asyncDispose]()
    await ours?.[Symbol.asyncDispose]()
  })

  /** A Go hub with a link to ours that takes part in the DHT. */
  async function linked(): Promise<GoHub> {
    const go = await GoHub.start('--dht')
    await go.does('allow', { hub: ours.id, verbs: SHARED.verbs })
    await allow(operator, go)
    assert.equal((await go.does('link', { hub: ours.id, address: ours.address })).linked, true)
    await until(
      async () => (await operator.dht.dht_peers({})).peers,
      peers => peers.includes(go.peer)
    )
    return go
  }

  /** Has the Go hub serve a sample; yields its CID. */
  const keep = async (go: GoHub, text: string, bytes: number, way = '', leaf = 0): Promise<string> =>
    String((await go.does('keep', { text, bytes, way, leaf })).cid)

  test('is a member of the DHT: each finds what the other provides', async () => {
    await using go = await linked()
    const theirs = await keep(go, 'theirs', 100)
    const cid = await put(operator, sample('ours', 3000))

    const before = await providersOf(operator, theirs)
    await go.does('provide', { cid: theirs })
    const found = await until(
      () => go.does('providers', { cid }),
      ({ providers = [] }) => providers.length > 0
    )

    assert.deepEqual(before, [[go.peer, 'link']])
    assert.deepEqual(
      found.providers!.map(({ peer }) => peer),
      [ours.address.split('/p2p/')[1]]
    )
    assert.ok(found.providers![0]!.addresses.includes(ours.address.split('/p2p/')[0]!))
    await using far = await Hub.start()
    await using farOperator = await connectAdmin(far.data)
    await allow(operator, far)
    await allow(farOperator, ours, { address: ours.address })
    await far.link(ours, 'up')
    assert.deepEqual(
      await until(
        () => providersOf(farOperator, theirs),
        providers => providers.length > 0
      ),
      [[go.peer, 'dht']]
    )
    assert.deepEqual(await get(farOperator, theirs), sample('theirs', 100))
  })

  test('gives and takes blobs of one leaf, of many, and of none', async () => {
    await using go = await linked()
    for (const length of [0, 1, LEAF, 3 * LEAF + 7]) {
      const bytes = sample(`blob ${length}`, length)
      const theirs = await keep(go, `blob ${length}`, length)
      const cid = await put(operator, bytes)

      assert.equal(cid, theirs)
      assert.deepEqual(await go.does('fetch', { hub: ours.id, cid }), {
        bytes: length,
        total_len: length,
        digest: hash('sha256', bytes)
      })
    }
    const [there, elsewhere] = [await keep(go, 'alone', 5 * LEAF), await keep(go, 'not ours', 10)]
    assert.deepEqual(await get(operator, there), sample('alone', 5 * LEAF))
    const hidden = await put(operator, sample('hidden', 9), 'private')
    const shared = await put(operator, sample('shared', 9), 'federated')
    assert.deepEqual(await go.does('has', { hub: ours.id, cids: [elsewhere, shared, hidden] }), { has: '02' })
    assert.equal((await go.does('fetch', { hub: ours.id, cid: hidden })).status, 404)
  })

  test('is not believed when its records stray, and loses the stream of those that no honest peer sends', async () => {
    await using go = await linked()
    const cid = await keep(go, 'stray', 77)
    const told: unknown[] = []

    for (const [way] of STRAY_RECORDS)
      told.push([way, (await go.does('record', { hub: ours.id, cid, way })).told])

    assert.deepEqual(told, STRAY_RECORDS)
    await using far = await Hub.start()
    await using farOperator = await connectAdmin(far.data)
    await allow(operator, far)
    await allow(farOperator, ours, { address: ours.address })
    await far.link(ours, 'up')
    await until(
      async () => (await farOperator.dht.dht_peers({})).peers.length,
      peers => peers === 1
    )
    assert.deepEqual(await providersOf(farOperator, cid), [])
    assert.equal((await go.does('record', { hub: ours.id, cid, way: '' })).told, 'answer')
    assert.deepEqual(await providersOf(farOperator, cid), [[go.peer, 'dht']])
  })

  test('cannot have our node tell others of a thousand addresses', async () => {
    await using go = await linked()
    const cid = await keep(go, 'addresses', 78)

    assert.equal((await go.does('record', { hub: ours.id, cid, way: 'many addresses' })).told, 'answer')

    await using other = await linked()
    const { providers = [] } = await other.does('providers', { cid })
    assert.deepEqual(
      providers.map(({ peer }) => peer),
      [go.peer]
    )
    assert.ok(providers[0]!.addresses.length <= 8, String(providers[0]!.addresses.length))
  })

  test('that goes on sending behind the end is heard no longer than the blob is', async () => {
    await using go = await linked()
    const cid = await keep(go, 'endless', 9 * LEAF, 'endless')

    const bytes = await get(operator, cid)

    assert.ok(bytes.equals(sample('endless', 9 * LEAF)))
    const { providers, fetched } = await reportOf(operator, cid)
    assert.equal(fetched, 9 * LEAF)
    assert.match(providers.map(({ ended }) => ended).join(), /^(done|dag_surplus)$/)
  })

  for (const [way, ended] of [
    ['lie', 'bad_block'],
    ['oversize', 'block_oversize'],
    ['cut', 'dag_cut'],
    ['other length', 'bad_head']
  ] as const)
    test(`that strays with ${way} is named with ${ended}, and another brings the rest`, async () => {
      await using liar = await linked()
      await using honest = await linked()
      const length = 9 * LEAF
      const cid = await keep(liar, way, length, way, 4)

      const alone = await get(operator, cid).catch((error: unknown) => error)
      const { providers } = await reportOf(operator, cid)
      await keep(honest, way, length)
      const bytes = await get(operator, cid)

      assert.ok(alone instanceof Error)
      assert.deepEqual(
        providers.map(({ peer, via, ended }) => [peer, via, ended]),
        [[liar.peer, 'link', ended]]
      )
      assert.ok(providers[0]!.bytes <= 4 * LEAF)
      assert.ok(bytes.equals(sample(way, length)))
    })
})
