import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { cidOf, cidText, dagVerifier, parseCid, storageService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'
import { lookups } from '../lookups.fixture.ts'

const VERBS = Object.values(storageService.operations).map(({ verb }) => verb)
const ALL = [...new Set(VERBS)].join(',')
const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const sha256 = () => createHash('sha256')
const HELLO = Buffer.from('hello')
const HELLO_CID = cidText(cidOf('raw', sha256().update(HELLO).digest()))
const ABSENT = cidText(cidOf('raw', sha256().update('nobody has this').digest()))

interface Rights {
  readonly verb?: string
  readonly tenant?: string
  readonly content?: string
  readonly read_only?: boolean
}

/** A node that opens no verb, and callers of it. */
async function running(t: TestContext, flags: Record<string, unknown> = {}) {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'limits.maxDelayMs': 60_000,
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      'quotas.tenantCallsPerSecond': 100_000,
      'quotas.tenantBurst': 100_000,
      ...flags
    }
  })
  // However busy the machine is, nothing is shed.
  const node = createNode(config, { overrides: { loopDelay: { tick: () => undefined, take: () => 0 } } })
  t.after(() => node.stop())
  await node.start()
  await node.capabilities().addTenant({ id: TENANT, name: 'other' }, { actor: 'local' })
  const as = async (rights: Rights = {}) => {
    const asked = { verb: ALL, tenant: 'default', bearer: true, ...rights }
    const { token } = await node.capabilities().mint(asked, { actor: 'local' })
    return await blobsOf(t, node, Buffer.from(token).toString('base64url'))
  }
  return { node, as, nobody: () => blobsOf(t, node) }
}

async function blobsOf(t: TestContext, node: OmnigateNode, cap?: string) {
  const hub = await connect(node.status().addresses[0]!, { ...(cap !== undefined && { cap }) })
  t.after(() => hub[Symbol.asyncDispose]())
  return hub.client(storageService)
}

type Blobs = Awaited<ReturnType<typeof blobsOf>>
type Put = Parameters<Blobs['put']>[0]

const put = (blobs: Blobs, bytes: Uint8Array, members: Put = {}) => blobs.put(members, { body: [bytes] })

/** The proved bytes of an answer to `get`. */
async function got(blobs: Blobs, cid: string, range: { offset?: number; length?: number } = {}) {
  const { head, body } = await blobs.get({ cid, ...range })
  const verifier = dagVerifier({ cid: parseCid(cid), ...range, sha256 })
  const plain: Uint8Array[] = []
  for await (const chunk of body) for (const block of verifier.push(chunk)) plain.push(...block.plain)
  verifier.end()
  assert.equal(head.total_len, verifier.totalLength)
  const bytes = Buffer.concat(plain)
  assert.equal(head.length, bytes.length)
  return bytes
}

async function rawly(blobs: Blobs, cid: string, range: { offset?: number; length?: number } = {}) {
  const { body } = await blobs.get({ cid, ...range, form: 'raw' })
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const has = async (blobs: Blobs, ...cids: string[]): Promise<boolean[]> => {
  const { body = new Uint8Array(0) } = await blobs.has({ cids })
  return cids.map((_, n) => ((body[n >> 3]! >> (n & 7)) & 1) === 1)
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => 'accepted',
    (error: { code: string; status: number }) => `${error.status} ${error.code}`
  )
}

const missing = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => assert.fail('it was answered'),
    ({ name, code, status, message, retryable, reason }) => ({
      name,
      code,
      status,
      message,
      retryable,
      reason
    })
  )

describe('a blob that was put', () => {
  test('comes back proved, whole and in ranges, and as plain bytes', async t => {
    const blobs = await (await running(t)).as()
    const bytes = randomBytes(300_000)

    const { cid, len } = await put(blobs, bytes, { content_type: 'image/webp' })

    assert.equal(len, bytes.length)
    assert.ok((await got(blobs, cid)).equals(bytes))
    assert.ok((await rawly(blobs, cid)).equals(bytes))
    const { head } = await blobs.get({ cid, offset: 70_000, length: 1 })
    assert.deepEqual(
      { ...head, body: undefined },
      { cid, offset: 70_000, length: 1, total_len: bytes.length, content_type: 'image/webp', body: undefined }
    )
    for (const [offset, length] of [
      [0, 1],
      [65_535, 2],
      [131_072, 65_536],
      [299_999, 500]
    ] as const) {
      const part = bytes.subarray(offset, offset + length)
      assert.ok((await got(blobs, cid, { offset, length })).equals(part))
      assert.ok((await rawly(blobs, cid, { offset, length })).equals(part))
    }
  })

  test('has the plain hash of its bytes where it fits into one leaf, and may be empty', async t => {
    const blobs = await (await running(t)).as()

    const hello = await put(blobs, HELLO, { cid: HELLO_CID })
    const empty = await put(blobs, Buffer.alloc(0))

    assert.deepEqual(hello, { cid: HELLO_CID, len: 5 })
    assert.equal((await got(blobs, empty.cid)).length, 0)
    assert.equal((await rawly(blobs, empty.cid)).length, 0)
    assert.equal(await codeOf(blobs.get({ cid: empty.cid, offset: 1 })), '400 bad_range')
    assert.equal(await codeOf(blobs.get({ cid: hello.cid, offset: 5 })), '400 bad_range')
  })

  test('may be sealed by its application, and is then the bytes as they came', async t => {
    const blobs = await (await running(t)).as()

    const sealed = await blobs.put({}, { body: [HELLO], e2e: true })

    assert.deepEqual(sealed, { cid: HELLO_CID, len: 5 })
  })

  test('has another hash under another profile', async t => {
    const blobs = await (await running(t)).as()
    const bytes = Buffer.alloc(100_000, 7)

    const ours = await put(blobs, bytes)
    const other = await put(blobs, bytes, { profile: 'unixfs-v1-2025' })

    assert.equal(parseCid(ours.cid).codec, 'dag-pb')
    assert.equal(parseCid(other.cid).codec, 'raw')
    assert.ok((await got(blobs, other.cid)).equals(bytes))
  })

  test('is refused where it is not the one that was expected, and nothing of it is kept', async t => {
    const blobs = await (await running(t)).as()

    assert.equal(await codeOf(put(blobs, Buffer.from('other'), { cid: HELLO_CID })), '409 bad_digest')

    assert.deepEqual((await blobs.list({})).blobs, [])
    assert.equal((await blobs.stat({})).bytes, 0)
  })

  test('leaves nothing where it breaks off', async t => {
    const blobs = await (await running(t)).as()
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(200_000)
      throw new Error('the disk of the caller')
    }

    await assert.rejects(blobs.put({}, { body: broken() }))

    assert.deepEqual((await blobs.list({})).blobs, [])
  })

  test('is bounded by what the tenant may store', async t => {
    const { as } = await running(t, { 'storage.tenantBytes': 1_048_576 })
    const blobs = await as()
    const other = await as({ tenant: TENANT })
    await put(blobs, randomBytes(1_000_000))

    assert.equal(await codeOf(put(blobs, randomBytes(100_000))), '429 storage_full')

    assert.equal((await blobs.stat({})).blobs, 1)
    await put(other, randomBytes(100_000))
  })
})

describe('roots of a tenant', () => {
  test('are listed in pages, with what was said of them', async t => {
    const blobs = await (await running(t)).as()
    const cids: string[] = []
    for (let n = 0; n < 5; n++) cids.push((await put(blobs, Buffer.from(`${n}`), { class: 'public' })).cid)
    await put(blobs, Buffer.from('0'), { class: 'federated', content_type: 'text/plain', pin: true })

    const listed: string[] = []
    for (let after: string | undefined, isLast = false; !isLast;) {
      const page = await blobs.list({ max: 2, ...(after !== undefined && { after }) })
      listed.push(...page.blobs.map(({ cid }) => cid))
      after = page.next
      isLast = after === undefined
    }

    assert.deepEqual(listed.toSorted(), cids.toSorted())
    const { blob, blobs: count, bytes } = await blobs.stat({ cid: cids[0]! })
    assert.deepEqual([count, bytes], [5, 5])
    assert.deepEqual(
      { ...blob, stored_at: 0 },
      {
        cid: cids[0],
        len: 1,
        stored_bytes: 1,
        class: 'federated',
        content_type: 'text/plain',
        pinned: true,
        stored_at: 0
      }
    )
  })

  test('are deleted unless they are pinned', async t => {
    const blobs = await (await running(t)).as()
    const { cid } = await put(blobs, HELLO, { pin: true })

    assert.equal(await codeOf(blobs.delete({ cid })), '409 blob_pinned')
    assert.deepEqual(await blobs.unpin({ cid }), { cid, pinned: false })
    assert.deepEqual(await blobs.pin({ cid }), { cid, pinned: true })
    const { expires_at } = await blobs.unpin({ cid, ttl_s: 60 })
    const { blob } = await blobs.stat({ cid })
    assert.ok(blob!.expires_at! > blob!.stored_at)
    assert.equal(blob!.expires_at, expires_at)
    assert.deepEqual(await blobs.delete({ cid }), { cid })

    for (const again of [
      blobs.delete({ cid }),
      blobs.pin({ cid }),
      blobs.unpin({ cid }),
      blobs.stat({ cid })
    ])
      assert.equal(await codeOf(again), '404 not_found')
    assert.equal(await codeOf(blobs.get({ cid })), '404 not_found')
  })

  test('are of one tenant: another cannot see, pin or delete them', async t => {
    const { as } = await running(t)
    const blobs = await as()
    const other = await as({ tenant: TENANT })
    const { cid } = await put(blobs, HELLO)

    for (const call of [other.delete({ cid }), other.pin({ cid }), other.stat({ cid }), other.get({ cid })])
      assert.equal(await codeOf(call), '404 not_found')
    assert.deepEqual((await other.list({})).blobs, [])

    await put(other, HELLO)
    await other.delete({ cid })
    assert.ok((await got(blobs, cid)).equals(HELLO))
  })

  test('change by a capability for that alone', async t => {
    const { as } = await running(t)
    const reader = await as({ read_only: true })
    const one = await as({ content: HELLO_CID })

    assert.equal(await codeOf(put(reader, HELLO)), '403 cap_denied')
    assert.equal(await codeOf(put(one, HELLO)), '403 cap_denied')
    assert.equal(await codeOf(put(one, HELLO, { cid: HELLO_CID })), 'accepted')
    assert.equal(await codeOf(one.delete({ cid: ABSENT })), '403 cap_denied')
  })
})

describe('what the caller may not read', () => {
  test('is answered exactly as what is not there', async t => {
    const { as, nobody } = await running(t)
    const blobs = await as()
    const { cid } = await put(blobs, HELLO)
    const federated = await put(blobs, Buffer.from('federated'), { class: 'federated' })
    const callers = [
      await nobody(),
      await as({ tenant: TENANT }),
      await as({ verb: 'storage:list' }),
      await as({ content: ABSENT }),
      await as({ tenant: TENANT, read_only: true })
    ]

    for (const caller of callers) {
      const absent = await missing(caller.get({ cid: ABSENT }))
      assert.equal((absent as { code: string }).code, 'not_found')
      for (const hidden of [cid, federated.cid]) {
        assert.deepEqual(await missing(caller.get({ cid: hidden })), absent)
        assert.deepEqual(await missing(caller.get({ cid: hidden, offset: 1000 })), absent)
        assert.deepEqual(await caller.providers({ cid: hidden }), await caller.providers({ cid: ABSENT }))
      }
      assert.deepEqual(await has(caller, cid, ABSENT, federated.cid), [false, false, false])
    }
  })

  test('is what is not public: that is everybody’s', async t => {
    const { node, as, nobody } = await running(t)
    const { cid } = await put(await as(), HELLO, { class: 'public' })
    const stranger = await nobody()

    assert.ok((await got(stranger, cid)).equals(HELLO))
    assert.deepEqual(await has(stranger, ABSENT, cid), [false, true])
    const { providers } = await stranger.providers({ cid })
    assert.deepEqual(
      providers.map(({ peer, via }) => [peer, via]),
      [[node.status().peer_id, 'here']]
    )
    assert.equal(await codeOf(stranger.delete({ cid })), '401 cap_missing')
    assert.equal(await codeOf(put(stranger, HELLO)), '401 cap_missing')
  })

  test('a put of what another tenant has is received and written like any other', async t => {
    const { as } = await running(t)
    const bytes = randomBytes(200_000)
    const first = await put(await as(), bytes)
    const other = await as({ tenant: TENANT })
    let taken = 0
    function* pieces(): Generator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 50_000) {
        taken++
        yield bytes.subarray(at, at + 50_000)
      }
    }

    const second = await other.put({}, { body: pieces() })

    assert.deepEqual([second, taken], [first, 4])
    assert.equal((await other.stat({})).bytes, (await (await as()).stat({})).bytes)
  })
})

test('as many rows are looked up for what is hidden as for what is absent', async t => {
  const { as } = await running(t)
  const blobs = await as()
  const { cid: hidden } = await put(blobs, HELLO)
  const caller = await as({ tenant: TENANT })
  const looked = lookups(t)

  for (const call of [
    (cid: string) => caller.get({ cid }),
    (cid: string) => caller.get({ cid, offset: 7 }),
    (cid: string) => caller.has({ cids: [cid] }),
    (cid: string) => caller.providers({ cid }),
    (cid: string) => caller.delete({ cid }),
    (cid: string) => caller.stat({ cid })
  ]) {
    const absent = await looked(() => call(ABSENT).catch(() => undefined))
    assert.ok(
      absent.some(count => count > 0),
      'something is looked up'
    )
    assert.deepEqual(await looked(() => call(hidden).catch(() => undefined)), absent)
  }
})

test('has tells of 1024 blobs at once, in their order', async t => {
  const blobs = await (await running(t)).as()
  const { cid } = await put(blobs, HELLO)
  const cids = Array.from({ length: 1024 }, (_, n) => (n % 3 === 0 ? cid : ABSENT))

  assert.deepEqual(
    await has(blobs, ...cids),
    cids.map(each => each === cid)
  )
})

test('a reader that leaves frees the blob for whoever deletes it', async t => {
  const blobs = await (await running(t)).as()
  const { cid } = await put(blobs, randomBytes(2_000_000))

  const { body } = await blobs.get({ cid })
  for await (const chunk of body) {
    assert.ok(chunk.length > 0)
    break
  }

  assert.deepEqual(await blobs.delete({ cid }), { cid })
  assert.equal(await codeOf(blobs.get({ cid })), '404 not_found')
})
