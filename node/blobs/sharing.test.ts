import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { allow, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'

const OPTIONS = { timeout: 240_000 }
const SHARED = { verbs: ['storage:get', 'storage:has'], classes: ['public', 'federated'] }
const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const AS_TENANT = { tenant: TENANT }
const NOT_FOUND = { code: 'not_found' }

void describe('a blob of another hub', OPTIONS, () => {
  void test('that is public is fetched, proved and kept', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const bytes = randomBytes(300_000)
    const cid = await put(a!, bytes, 'public')

    assert.deepEqual(await get(c!, cid), bytes)

    await until(async () => (await c!.operator.storage.list({}, AS_TENANT)).blobs.length === 1, 'it is kept')
    const { blobs } = await c!.operator.storage.list({}, AS_TENANT)
    assert.deepEqual([blobs[0]!.cid, blobs[0]!.class, blobs[0]!.len], [cid, 'private', 300_000])
    assert.ok(blobs[0]!.expires_at! > Date.now())
  })

  void test('that is federated is fetched where the treaty says so, and else is not there', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const [stranger] = await linkedHubs(t, 1)
    await allow(stranger!, a!, {})
    await linked(stranger!, a!)
    const bytes = randomBytes(1000)
    const cid = await put(a!, bytes, 'federated')

    assert.deepEqual(await get(c!, cid), bytes)
    await assert.rejects(get(stranger!, cid), NOT_FOUND)
  })

  void test('that is private is not there', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const cid = await put(a!, randomBytes(1000), 'private')

    await assert.rejects(get(c!, cid), NOT_FOUND)
    const { code, providers, fetched } = await c!.operator.dht.fetch_report({ cid })
    assert.deepEqual([code, providers, fetched], ['not_found', [], 0])
  })

  void test('is fetched from the next one when its provider goes away in the middle', async t => {
    const [a, b, c] = await linkedHubs(t, 3)
    const bytes = randomBytes(6_000_000)
    const cid = await put(a!, bytes, 'public')
    assert.equal(await put(b!, bytes, 'public'), cid)

    const { body } = await c!.operator.storage.get({ cid, form: 'raw' }, AS_TENANT)
    const pieces: Uint8Array[] = []
    for await (const piece of body) {
      if (pieces.push(piece) === 1) await c!.operator.federation.peer_remove({ hub: a!.id })
    }

    assert.ok(Buffer.concat(pieces).equals(bytes))
    // The fetch ends when its blocks are committed, which its readers do not wait for.
    const report = () => c!.operator.dht.fetch_report({ cid }).catch(() => undefined)
    const { code, fetched, providers } = await until(report, 'the fetch ends')
    assert.deepEqual([code, fetched], [undefined, bytes.length])
    assert.ok(providers.every(({ peer, via }) => via === 'link' && [a!.peer, b!.peer].includes(peer)))
  })

  void test('costs a range the leaves that it touches', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const bytes = randomBytes(1_000_000)
    const cid = await put(a!, bytes, 'public')

    const { head, body } = await c!.operator.storage.get(
      { cid, offset: 500_000, length: 10, form: 'raw' },
      AS_TENANT
    )
    const pieces: Uint8Array[] = []
    for await (const piece of body) pieces.push(piece)

    assert.deepEqual([head.offset, head.length, head.total_len], [500_000, 10, 1_000_000])
    assert.deepEqual(Buffer.concat(pieces), bytes.subarray(500_000, 500_010))
    assert.deepEqual((await c!.operator.storage.list({}, AS_TENANT)).blobs, [])
  })

  void test('is stored for a tenant, never for nobody', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const cid = await put(a!, randomBytes(1000), 'public')

    await assert.rejects(c!.operator.storage.get({ cid }), { code: 'bad_request' })
    await assert.rejects(c!.operator.storage.put({}, { body: [randomBytes(1)] }), { code: 'bad_request' })
  })

  void test('whose range lies behind its end is refused', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const cid = await put(a!, randomBytes(1000), 'public')

    await assert.rejects(c!.operator.storage.get({ cid, offset: 1000 }, AS_TENANT), { code: 'bad_range' })
  })

  void test('is provided by the hub over whose link it was found', async t => {
    const [a, c] = await linkedHubs(t, 2)
    const cid = await put(a!, randomBytes(1000), 'public')

    assert.deepEqual(
      (await c!.operator.storage.providers({ cid })).providers.map(({ peer, via }) => [peer, via]),
      [[a!.peer, 'link']]
    )
  })
})

void describe('the DHT of linked hubs', OPTIONS, () => {
  void test('names who announced a public blob, also to those who have no link with them', async t => {
    const [a, b, c] = await Promise.all([startHub(t), startHub(t), startHub(t)])
    await allow(a, b, SHARED)
    await allow(b, c, SHARED)
    await linked(a, b)
    await linked(b, c)
    const cid = await put(a, randomBytes(1000), 'public')
    const hidden = await put(a, randomBytes(1000), 'federated')

    await until(async () => (await providersOf(c, cid)).length > 0, 'the DHT names it')
    const stats = await a.operator.dht.dht_stats({})
    assert.deepEqual([stats.open, stats.peers, stats.roots, stats.announced], [true, 1, 1, 1])
    assert.deepEqual((await a.operator.dht.dht_peers({})).peers, [b.peer])
    assert.deepEqual(await providersOf(c, cid), [[a.peer, 'dht']])
    assert.deepEqual(await providersOf(c, hidden), [])
  })

  void test('has a public blob fetched by who has no link with its provider, unless dht.dial is off', async t => {
    const flags = { 'dht.dial': false }
    const [a, b, c, d] = await Promise.all([startHub(t), startHub(t), startHub(t), startHub(t, { flags })])
    for (const hub of [a, c, d]) {
      await allow(hub, b, SHARED)
      await linked(hub, b)
    }
    const bytes = randomBytes(3_000_000)
    const cid = await put(a, bytes, 'public')
    await until(async () => (await providersOf(c, cid)).length > 0, 'the DHT names it')
    const connections = () => Number(c.node.status()['connections'])
    const before = connections()

    assert.deepEqual(await get(c, cid), bytes)

    const ended = await until(
      async () => c.operator.dht.fetch_report({ cid }).catch(() => undefined),
      'the fetch has ended'
    )
    assert.deepEqual(
      ended.providers.map(one => [one.peer, one.via, one.ended]),
      [[a.peer, 'dht', 'done']]
    )
    await until(async () => connections() === before, 'the connection is left')
    await assert.rejects(get(d, cid), NOT_FOUND)
    assert.match(String((await d.operator.dht.fetch_report({ cid })).searches), /cannot be reached/)
  })

  void test('is not needed', async t => {
    const flags = { 'dht.enabled': false }
    const [a, c] = await Promise.all([startHub(t, { flags }), startHub(t, { flags })])
    await allow(a, c, SHARED)
    await linked(a, c)
    const bytes = randomBytes(1000)

    assert.deepEqual(await get(c, await put(a, bytes, 'public')), bytes)
    assert.equal((await a.operator.dht.dht_stats({})).open, false)
  })
})

/** Hubs of which each is linked with each. */
async function linkedHubs(t: Parameters<typeof startHub>[0], count: number): Promise<readonly TestHub[]> {
  const hubs = await Promise.all(Array.from({ length: count }, () => startHub(t)))
  const pairs = hubs.flatMap((a, n) => hubs.slice(n + 1).map(b => [a, b] as const))
  for (const [a, b] of pairs) await allow(a, b, SHARED)
  for (const [a, b] of pairs) await linked(a, b)
  return hubs
}

async function put(
  { operator }: TestHub,
  bytes: Uint8Array,
  blobClass: 'public' | 'federated' | 'private'
): Promise<string> {
  const { cid } = await operator.storage.put({ class: blobClass }, { tenant: TENANT, body: [bytes] })
  return cid
}

async function get({ operator }: TestHub, cid: string): Promise<Buffer> {
  const { body } = await operator.storage.get({ cid, form: 'raw' }, AS_TENANT)
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function providersOf({ operator }: TestHub, cid: string): Promise<unknown[]> {
  const { providers } = await operator.storage.providers({ cid })
  return providers.map(({ peer, via }) => [peer, via])
}
