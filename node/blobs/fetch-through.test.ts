import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { attenuate, decodeToken, encodeToken, storageService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { endings } from '../endings.fixture.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { allow, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'

const OPTIONS = { timeout: 240_000 }
const SHARED = { verbs: ['storage:get', 'storage:has'], classes: ['public', 'federated'] }
const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const NOT_FOUND = { code: 'not_found' }

void describe('a caller who wants what another hub has', OPTIONS, () => {
  void test('gets it only where the node fetches for others and the capability says so', async t => {
    const { provider, open, shut } = await threeHubs(t)
    const bytes = randomBytes(200_000)
    const cid = await put(provider, bytes)
    const other = await put(provider, randomBytes(100))

    for (const [hub, rights] of [
      [open, { verb: 'storage:get' }],
      [open, { verb: 'storage:get', content: other }],
      [shut, { verb: 'storage:get,storage:fetch' }],
      [shut, { verb: 'storage:get', content: cid }],
      [open, undefined]
    ] as const)
      await assert.rejects(got(t, hub, rights, cid), NOT_FOUND)

    const named = await got(t, open, { verb: 'storage:get', content: cid }, cid)
    assert.deepEqual(named, bytes)
    assert.deepEqual(
      await got(t, open, { verb: 'storage:get,storage:fetch' }, other),
      await got(t, provider, undefined, other)
    )
  })

  void test('is not given more by a caveat that the holder of a capability adds', async t => {
    const { provider, open } = await threeHubs(t)
    const cid = await put(provider, randomBytes(1000))
    const asked = { tenant: 'default', bearer: true, verb: 'storage:get' }
    const { token } = await open.node.capabilities().mint(asked, { actor: 'local' })
    const { macaroon, discharges } = decodeToken(token)
    const narrowed = attenuate(nodeMacaroonCrypto, macaroon, [{ key: 'content', value: [cid] }])
    const cap = Buffer.from(encodeToken({ macaroon: narrowed, discharges })).toString('base64url')
    await using connection = await connect(open.address, { cap })

    await assert.rejects(connection.client(storageService).get({ cid }), NOT_FOUND)
  })

  void test('has it for its tenant alone', async t => {
    const { provider, open } = await threeHubs(t)
    const cid = await put(provider, randomBytes(1000))
    const rights = { verb: 'storage:get,storage:fetch,storage:list,storage:has' }

    await got(t, open, rights, cid)

    const mine = await client(t, open, rights)
    await until(async () => (await mine.list({})).blobs.length === 1, 'it is kept')
    assert.equal((await mine.list({})).blobs[0]!.class, 'private')
    await assert.rejects(got(t, open, undefined, cid), NOT_FOUND)
    await assert.rejects(got(t, open, { verb: 'storage:get', tenant: 'other' }, cid), NOT_FOUND)
  })

  void test('is told of linked hubs that have it, and one without a capability is not', async t => {
    const { provider, open } = await threeHubs(t)
    const cid = await put(provider, randomBytes(1000))

    const known = await (await client(t, open, { verb: 'storage:providers' })).providers({ cid })
    const stranger = await (await client(t, open, undefined)).providers({ cid })

    assert.deepEqual(
      known.providers.map(({ peer, hub, via }) => [peer, hub, via]),
      [[provider.peer, provider.id, 'link']]
    )
    assert.deepEqual(stranger.providers, [])
  })

  void test('is refused a blob that is longer than the node fetches, once its root is proved', async t => {
    const { provider, open } = await threeHubs(t, { 'storage.fetchBytes': 1_048_576 })
    const cid = await put(provider, randomBytes(1_048_577))

    await assert.rejects(got(t, open, { verb: 'storage:get,storage:fetch' }, cid), { code: 'storage_full' })
    const { fetched } = await open.operator.dht.fetch_report({ cid })
    assert.equal(fetched, 0)
  })
})

interface Rights {
  readonly verb: string
  readonly content?: string
  readonly tenant?: string
}

/** One that has blobs, one that fetches for others, and one that does not. */
async function threeHubs(t: TestContext, flags: Record<string, unknown> = {}) {
  const known = { 'strangers.loopbackIsKnown': true }
  const provider = await startHub(t)
  const open = await startHub(t, { flags: { ...known, 'storage.fetchThrough': true, ...flags } })
  const shut = await startHub(t, { flags: known })
  for (const hub of [open, shut]) {
    await allow(hub, provider, SHARED)
    await linked(hub, provider)
    await hub.operator.capabilities.tenant_add({ id: TENANT, name: 'other' })
  }
  return { provider, open, shut }
}

async function put({ operator }: TestHub, bytes: Uint8Array): Promise<string> {
  const { cid } = await operator.storage.put({ class: 'public' }, { tenant: TENANT, body: [bytes] })
  return cid
}

async function client(t: TestContext, { node, address }: TestHub, rights: Rights | undefined) {
  const asked = rights && { tenant: 'default', bearer: true, ...rights }
  const minted = asked && (await node.capabilities().mint(asked, { actor: 'local' }))
  const cap = minted && Buffer.from(minted.token).toString('base64url')
  const connection = await connect(address, { ...(cap !== undefined && { cap }) })
  endings(t).use(connection)
  return connection.client(storageService)
}

async function got(t: TestContext, hub: TestHub, rights: Rights | undefined, cid: string): Promise<Buffer> {
  const { body } = await (await client(t, hub, rights)).get({ cid, form: 'raw' })
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}
