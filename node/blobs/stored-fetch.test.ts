import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { BlameBook, FileDag } from '../../dht/index.ts'
import type { BlobProvider, Block, ProviderSearch, Question, Root, Routing } from '../../dht/index.ts'
import { ReadAhead, cidOf, cidText, dagWalk, framedBlocks } from '../../protocols/index.ts'
import type { Profile } from '../../protocols/index.ts'
import { LevelBlobStore } from '../stores/blobs/index.ts'
import { BlobFetcher } from './blob-fetcher.ts'
import type { BlobFetcherOptions } from './blob-fetcher.ts'
import { StoredFetch } from './stored-fetch.ts'
import type { StoredFetchOptions } from './stored-fetch.ts'

const OPTIONS = { timeout: 60_000 }
const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const LEAF = 65_536

void describe('a blob that is fetched into the store', OPTIONS, () => {
  void test('is a private root of its tenant for a while', async t => {
    const { store } = await openStore(t)
    const blob = blobOf(300_000)

    const fetch = fetchOf(store, blob, [new FakeProvider('a', blob)])
    await fetch.done

    const stat = await store.roots.stat(TENANT, blob.root.cid)
    assert.deepEqual([stat?.class, stat?.length, stat?.expiresAtMs], ['private', 300_000, 1234])
    assert.ok(Buffer.concat(await all(fetch.plain())).equals(blob.bytes))
    fetch.abort()
  })

  void test('goes on after a restart with what had come', async t => {
    const { store, reopen } = await openStore(t)
    const blob = blobOf(20 * LEAF)
    const broken = fetchOf(store, blob, [new FakeProvider('a', blob, 10)])
    await assert.rejects(broken.done, { code: 'upstream' })
    assert.equal(await store.roots.stat(TENANT, blob.root.cid), undefined)
    const again = await reopen()
    const provider = new FakeProvider('b', blob)

    await fetchOf(again, blob, [provider]).done

    const [{ offset }] = provider.asked as [Question]
    assert.ok(offset >= 5 * LEAF, `asked from ${offset}`)
    assert.equal((await again.roots.stat(TENANT, blob.root.cid))?.length, 20 * LEAF)
  })

  void test('takes of the room that all who read share while it is read', async t => {
    const { store } = await openStore(t)
    const blob = blobOf(20 * LEAF)
    const room = new ReadAhead(3 * LEAF)
    const fetch = fetchOf(store, blob, [new FakeProvider('a', blob)], { room })
    await fetch.done
    const reader = fetch.plain()

    for (let n = 0; n < 3; n++) await reader.next()
    const held = room.heldBytes
    await reader.return()

    assert.ok(held >= LEAF && held <= 3 * LEAF, `${held}`)
    assert.equal(room.heldBytes, 0)
    fetch.abort()
  })

  void test('is no root when only a part of it was wanted', async t => {
    const { store } = await openStore(t)
    const blob = blobOf(20 * LEAF)

    const fetch = fetchOf(store, blob, [new FakeProvider('a', blob)], { offset: 3 * LEAF, length: 10 })

    assert.ok(Buffer.concat(await all(fetch.plain())).equals(blob.bytes.subarray(3 * LEAF, 3 * LEAF + 10)))
    await fetch.done
    assert.equal(await store.roots.stat(TENANT, blob.root.cid), undefined)
  })

  void test('is refused when the tenant has no room for it, before any leaf of it comes', async t => {
    const { store } = await openStore(t)
    const blob = blobOf(20 * LEAF)
    const provider = new FakeProvider('a', blob)

    const fetch = fetchOf(store, blob, [provider], { tenantBytes: 10 * LEAF })

    await assert.rejects(fetch.done, { code: 'storage_full' })
    await assert.rejects(fetch.total(), { code: 'storage_full' })
    assert.ok((await store.usage(TENANT)).uploadingBytes < LEAF)
  })

  void test('leaves alone what its tenant has stored meanwhile', async t => {
    const { store } = await openStore(t)
    const blob = blobOf(3 * LEAF)
    const fetch = fetchOf(store, blob, [new FakeProvider('a', blob, Infinity, () => stores())])
    /** The tenant puts the same, for everybody and for good, before the first byte comes. */
    const stores = async (): Promise<void> => {
      await using upload = await store.beginPut(TENANT, { class: 'public', contentType: 'text/plain' })
      for (const { cid, bytes } of blob.blocks.values()) await upload.write(cid, bytes)
      await upload.finish(blob.root.cid, blob.bytes.length)
    }

    await fetch.done

    const stat = await store.roots.stat(TENANT, blob.root.cid)
    assert.deepEqual([stat?.class, stat?.contentType, stat?.expiresAtMs], ['public', 'text/plain', undefined])
    assert.deepEqual(await store.usage(TENANT), { bytes: stat?.storedBytes, blobs: 1, uploadingBytes: 0 })
    assert.equal(await store.roots.classOf(blob.root.cid), 'public')
    fetch.abort()
    assert.equal(await store.roots.delete(TENANT, blob.root.cid), 'deleted')
    await store.gc()
    assert.equal(await store.blocks.has(blob.root.cid), false)
  })

  void test('keeps nothing from being collected once its last reader has left, however early', async t => {
    for (const turns of [0, 1, 2, 3, 4, 5, 8]) {
      const { store } = await openStore(t)
      const blob = blobOf(3 * LEAF)
      const fetch = fetchOf(store, blob, [new FakeProvider('a', blob)])
      await fetch.fetch.done
      for (let n = 0; n < turns; n++) await Promise.resolve()

      fetch.abort()
      await fetch.done
      await store.roots.delete(TENANT, blob.root.cid)
      await store.gc()

      assert.equal(store.bytes, 0, `after ${turns} turns`)
    }
  })

  void test('ends where its blocks are many times its bytes', async t => {
    const { store } = await openStore(t)
    const blob = tinyLeaves(4096)

    const fetch = fetchOf(store, blob, [new FakeProvider('a', blob)], { mostBytes: 4096 })

    await assert.rejects(fetch.done, { code: 'storage_full' })
    const { uploadingBytes } = await store.usage(TENANT)
    assert.ok(uploadingBytes <= 2 * 4096 + 65_536, `${uploadingBytes}`)
  })
})

void describe('fetches of a node', OPTIONS, () => {
  void test('are shared by those of a tenant who want the same, and end with the last of them', async t => {
    const { fetcher } = await openFetcher(t)
    const { cid } = blobOf(10).root

    const first = fetcher.board({ cid, tenant: TENANT })
    const second = fetcher.board({ cid, tenant: TENANT })

    assert.equal(first.fetch, second.fetch)
    assert.equal(fetcher.underWay, 1)
    first.leave()
    assert.equal(fetcher.underWay, 1)
    second.leave()
    await assert.rejects(first.fetch.done, { name: 'AbortError' })
    assert.equal(fetcher.underWay, 0)
    assert.equal(fetcher.outcomes[0]!.code, 'cancelled')
  })

  void test('are so many for one tenant at a time, and others are not held up', async t => {
    const { fetcher } = await openFetcher(t, { fetchesPerTenant: 2 })
    const wanted = (name: string, tenant = TENANT) => ({
      cid: cidOf('raw', createHash('sha256').update(name).digest()),
      tenant
    })
    const boarded = [fetcher.board(wanted('a')), fetcher.board(wanted('b'))]

    assert.throws(() => fetcher.board(wanted('c')), { code: 'quota_tenant', status: 429 })
    boarded.push(fetcher.board(wanted('c', TENANT.replace('1', '2'))))
    boarded[0]!.leave()
    await assert.rejects(boarded[0]!.fetch.done)
    boarded.push(fetcher.board(wanted('c')))

    for (const each of boarded) each.leave()
    await Promise.allSettled(boarded.map(({ fetch }) => fetch.done))
    assert.equal(fetcher.underWay, 0)
  })

  void test('are remembered, the last 32 of them', async t => {
    const { fetcher } = await openFetcher(t, { routing: () => undefined })

    for (let n = 0; n < 40; n++) {
      const cid = cidOf('raw', createHash('sha256').update(String(n)).digest())
      using boarding = fetcher.board({ cid, tenant: TENANT })
      await assert.rejects(boarding.fetch.done, { code: 'not_found' })
    }

    assert.equal(fetcher.outcomes.length, 32)
    assert.ok(fetcher.outcomes.every(({ code }) => code === 'not_found'))
  })
})

interface WholeBlob {
  readonly bytes: Buffer
  readonly root: Root
  readonly blocks: ReadonlyMap<string, Block>
}

/** Leaves of one byte, and so many more nodes. */
const tinyLeaves = (length: number): WholeBlob => blobOf(length, { leafBytes: 1, links: 4 })

function blobOf(length: number, profile?: Profile): WholeBlob {
  const bytes = randomBytes(length)
  const dag = new FileDag(profile)
  const first = dag.push(bytes)
  const { blocks: last, root } = dag.end()
  return { bytes, root, blocks: new Map([...first, ...last].map(block => [cidText(block.cid), block])) }
}

/** Gives a blob, or so many chunks of it. */
class FakeProvider implements BlobProvider {
  readonly provider: string
  readonly via = 'link'
  readonly asked: Question[] = []
  readonly #blob: WholeBlob
  readonly #chunks: number

  readonly #before: () => Promise<void>

  /** `before` is what happens before it answers. */
  constructor(provider: string, blob: WholeBlob, chunks = Infinity, before = () => Promise.resolve()) {
    this.provider = provider
    this.#blob = blob
    this.#chunks = chunks
    this.#before = before
  }

  async get(question: Question) {
    this.asked.push(question)
    await this.#before()
    return { totalLength: this.#blob.bytes.length, body: this.#body(question) }
  }

  async *#body({ cid, offset, length }: Question): AsyncGenerator<Uint8Array, void> {
    const walk = dagWalk({ cid, offset, length, blocks: id => this.#blob.blocks.get(cidText(id))?.bytes })
    let sent = 0
    for await (const chunk of framedBlocks(walk)) {
      if (sent++ === this.#chunks) return
      yield chunk
    }
  }
}

class FakeSearch implements ProviderSearch {
  readonly notes: readonly string[] = []
  readonly #providers: readonly BlobProvider[]

  constructor(providers: readonly BlobProvider[]) {
    this.#providers = providers
  }

  stop(): void {}

  async *[Symbol.asyncIterator](): AsyncGenerator<BlobProvider, void> {
    for (const provider of this.#providers) yield provider
  }
}

/** A DHT that never answers. */
const silent: Routing = {
  findProviders: () => ({
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) })
  }),
  provide: () => Promise.reject(new Error('not asked to'))
}

async function openStore(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-fetched-'))
  let store = await LevelBlobStore.open(join(folder, 'blobs'), { now: () => Date.now() })
  const first = store
  t.after(async () => {
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  const reopen = async (): Promise<LevelBlobStore> => {
    await store[Symbol.asyncDispose]()
    return (store = await LevelBlobStore.open(join(folder, 'blobs'), { now: () => Date.now() }))
  }
  return { store: first, reopen }
}

function fetchOf(
  store: LevelBlobStore,
  { root }: WholeBlob,
  providers: readonly BlobProvider[],
  options: Partial<StoredFetchOptions> = {}
): StoredFetch {
  return new StoredFetch({
    cid: root.cid,
    store,
    tenant: TENANT,
    tenantBytes: 2 ** 30,
    mostBytes: 2 ** 30,
    expiresAtMs: 1234,
    blame: new BlameBook(),
    search: new FakeSearch(providers),
    ...options
  })
}

async function openFetcher(t: TestContext, options: Partial<BlobFetcherOptions> = {}) {
  const { store } = await openStore(t)
  const fetcher = new BlobFetcher({
    store: () => store,
    room: new ReadAhead(2 ** 20),
    linked: () => [],
    routing: () => silent,
    tenantBytes: () => 2 ** 30,
    mostBytes: 2 ** 30,
    fetchesPerTenant: 4,
    now: () => Date.now(),
    ...options
  })
  return { store, fetcher }
}

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = []
  for await (const piece of pieces) list.push(piece)
  return list
}
