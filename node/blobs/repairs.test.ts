import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { allow, entriesOf, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { LevelBlobStore, blobFolders } from '../stores/blobs/index.ts'
import type { Block } from '../stores/blobs/blobs.fixture.ts'
import { blobOf, noSleep, put as stored, seeded } from '../stores/blobs/blobs.fixture.ts'
import { REPAIRING, repaired } from './repairs.ts'
import type { RepairsOptions } from './repairs.ts'

const OPTIONS = { timeout: 240_000 }
const SHARED = { verbs: ['storage:get', 'storage:has'], classes: ['public', 'federated'] }
const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const GOES_ON = new AbortController().signal

void test('what rots is mended from a linked hub that has the same blob', OPTIONS, async t => {
  const [a, b] = [await startHub(t), await startHub(t)]
  await allow(a, b, SHARED)
  await linked(a, b)
  const bytes = randomBytes(300_000)
  for (const hub of [a, b]) await put(hub, bytes, 'public')
  const secret = randomBytes(1000)
  for (const hub of [a, b]) await put(hub, secret, 'private')
  rot(b, bytes.subarray(70_000, 70_100))
  rot(b, secret)

  await b.operator.blobs.blob_scrub({ begin: true })
  const found = await until(async () => {
    const state = await b.operator.blobs.blob_scrub({})
    return !state.running && state
  }, 'the scrub has ended')

  const [entry] = await until(async () => {
    const entries = await entriesOf(b, 'scrub')
    return entries.length > 0 && entries
  }, 'the audit log tells of it')
  assert.deepEqual([entry!['rotten'], entry!['repaired']], [2, 1])
  // Nobody is asked for what is private.
  assert.deepEqual([found.rotten, found.repaired], [2, 1])
  const again = await put(b, bytes, 'public')
  const { body } = await b.operator.storage.get({ cid: again, form: 'raw' }, { tenant: TENANT })
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  assert.ok(Buffer.concat(pieces).equals(bytes))
})

void test('of a rotten block, the path to its first byte is fetched, and nothing is left of the fetch', async t => {
  const { store, blob, wanted } = await shared(t)
  const leaf = blob.blocks[5]!

  const mended = await repaired(fetching(store, blob.blocks, wanted), leaf.id, GOES_ON)

  assert.deepEqual(mended, Buffer.from(leaf.bytes))
  assert.deepEqual(wanted, [{ tenant: REPAIRING, offset: 5 * 256, length: 1 }])
  assert.deepEqual(await store.roots.partials(REPAIRING), [])
  assert.equal((await store.usage(REPAIRING)).uploadingBytes, 0)
})

void test('a block that nobody gives, and one that no shared blob reaches, stay as they are', async t => {
  const { store, blob, wanted } = await shared(t)
  const secret = blobOf(seeded('secret', 700))
  await stored(store, secret)

  assert.equal(await repaired(fetching(store, undefined, wanted), blob.blocks[0]!.id, GOES_ON), undefined)
  assert.equal(wanted.length, 1)
  assert.equal(
    await repaired(fetching(store, secret.blocks, wanted), secret.blocks[0]!.id, GOES_ON),
    undefined
  )
  assert.equal(wanted.length, 1)
})

async function shared(t: TestContext) {
  const store = await LevelBlobStore.open('memory', { now: () => 0, sleep: noSleep })
  t.after(() => store[Symbol.asyncDispose]())
  const blob = blobOf(seeded('shared', 5000))
  await stored(store, blob, { class: 'public' })
  return { store, blob, wanted: [] as object[] }
}

/** Others that have these blocks, or give up. */
function fetching(
  store: LevelBlobStore,
  blocks: readonly Block[] | undefined,
  wanted: object[]
): RepairsOptions {
  const fetch = async (root: Block['id']): Promise<void> => {
    if (blocks === undefined) throw new Error('nobody has it')
    const upload = await store.beginPut(REPAIRING, { class: 'private', root })
    for (const { id, bytes } of blocks) await upload.write(id, bytes)
    await upload.suspend()
  }
  return {
    store: () => store,
    fetcher: {
      board({ cid, ...asked }) {
        wanted.push(asked)
        return { fetch: { done: fetch(cid) }, leave: () => undefined }
      }
    }
  }
}

async function put(
  { operator }: TestHub,
  bytes: Uint8Array,
  blobClass: 'public' | 'private'
): Promise<string> {
  const { cid } = await operator.storage.put({ class: blobClass }, { tenant: TENANT, body: [bytes] })
  return cid
}

/** Changes one of these bytes in the files of a running hub. */
function rot({ data }: TestHub, bytes: Uint8Array): void {
  const { segments } = blobFolders(join(data, 'blobs'))
  for (const name of readdirSync(segments)) {
    const all = readFileSync(join(segments, name))
    const at = all.indexOf(bytes)
    if (at === -1) continue
    all[at]! ^= 1
    writeFileSync(join(segments, name), all)
    return
  }
  throw new Error('these bytes are in no segment')
}
