import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { importBlob } from '../../dht/index.ts'
import { OapError, ReadAhead, cidOf, cidText } from '../../protocols/index.ts'
import type { Call, Granted } from '../../protocols/index.ts'
import { BlobError, LevelBlobStore } from '../stores/blobs/index.ts'
import type { BlobClass, BlobStore } from '../stores/blobs/index.ts'
import { blobTenantOfPeer, storageOver } from './storage.ts'
import type { StorageServiceOptions } from './storage.ts'

const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const NIL = '00000000-0000-0000-0000-000000000000'

/** Handlers over a store in memory, and who calls them. */
async function given(t: TestContext, more: Partial<StorageServiceOptions> = {}) {
  const store = await LevelBlobStore.open('memory', { now: () => 0 })
  t.after(() => store[Symbol.asyncDispose]())
  const rotten: BlobError[] = []
  const { handlers } = storageOver({
    store: () => store,
    tenantOf: blobTenantOfPeer,
    tenantBytes: () => 1e9,
    importBlob,
    findProviders: async (_cid, { isOurs }) => (isOurs ? [{ peer: 'us', addresses: [], via: 'here' }] : []),
    room: new ReadAhead(2 ** 20),
    onRotten: error => rotten.push(error),
    now: () => 1000,
    ...more
  })
  return { store, handlers, rotten }
}

type Given = Awaited<ReturnType<typeof given>>

const call = (more: Partial<Call> = {}): Call =>
  ({
    capability: undefined,
    granted: undefined,
    signal: new AbortController().signal,
    body: pieces(),
    ...more
  }) as Call

async function* pieces(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

async function all(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const holder = (tenant = TENANT): Partial<Call> => ({
  capability: { tenant } as NonNullable<Call['capability']>
})

/** A linked hub whose treaty has these classes. */
const linked = (...classes: NonNullable<Granted['classes']>): Partial<Call> => ({
  granted: { principal: 'hub:h1x', tenant: NIL, share: undefined, classes }
})

async function putAs({ handlers }: Given, text: string, blobClass: BlobClass): Promise<string> {
  const body = pieces(Buffer.from(text))
  const { cid } = await handlers.put({ class: blobClass }, call({ ...holder(), body }))
  return cid
}

const codeOf = async (answer: unknown): Promise<string> => {
  try {
    await answer
    return 'answered'
  } catch (error) {
    return error instanceof OapError ? error.code : String(error)
  }
}

test('a linked hub reads what is public, and what is federated where its treaty has that class', async t => {
  const there = await given(t)
  const { handlers } = there
  const cids = {
    public: await putAs(there, 'to all', 'public'),
    federated: await putAs(there, 'to hubs', 'federated'),
    private: await putAs(there, 'to nobody', 'private')
  }
  const cidsOf = Object.values(cids)

  for (const [caller, readable] of [
    [linked('public', 'federated'), ['public', 'federated']],
    [linked('public'), ['public']],
    [linked(), ['public']],
    [{}, ['public']]
  ] as const) {
    for (const [kind, cid] of Object.entries(cids)) {
      const isReadable = (readable as readonly string[]).includes(kind)
      assert.equal(
        await codeOf(handlers.get({ cid }, call(caller))),
        isReadable ? 'answered' : 'not_found',
        kind
      )
      const { providers } = await handlers.providers({ cid }, call(caller))
      assert.equal(providers.length, isReadable ? 1 : 0)
    }
    const { body } = await handlers.has({ cids: cidsOf }, call(caller))
    assert.deepEqual(body, Uint8Array.of(readable.length === 2 ? 0b011 : 0b001))
  }
})

test('a linked hub has no blobs of its own here', async t => {
  const { handlers } = await given(t)
  const hub = call(linked('public', 'federated'))
  const cid = cidText(cidOf('raw', new Uint8Array(32)))

  for (const answer of [
    handlers.put({}, hub),
    handlers.list({}, hub),
    handlers.stat({}, hub),
    handlers.delete({ cid }, hub),
    handlers.pin({ cid }, hub),
    handlers.unpin({ cid }, hub)
  ])
    assert.equal(await codeOf(answer), 'cap_denied')
})

test('what was put without a capability is nobody’s, and not a tenant’s', async t => {
  const { handlers } = await given(t)

  const { cid } = await handlers.put({}, call({ body: pieces(Buffer.from('open')) }))

  assert.equal(await codeOf(handlers.get({ cid }, call())), 'answered')
  assert.equal(await codeOf(handlers.get({ cid }, call(holder()))), 'not_found')
  assert.equal(await codeOf(handlers.get({ cid }, call(linked('federated')))), 'not_found')
})

test('a block that has rotted is not sent: the answer breaks off, and that is told', async t => {
  const there = await given(t)
  const cid = await putAs(there, 'sound', 'public')
  const rotten = Object.create(there.store, {
    open: {
      value: async (...asked: Parameters<BlobStore['open']>) => {
        const lease = await there.store.open(...asked)
        t.mock.method(lease!, 'get', () => Promise.reject(new BlobError('rotten', 'it has another hash')))
        return lease
      }
    }
  }) as BlobStore
  const { handlers, rotten: told } = await given(t, { store: () => rotten })

  const { body } = await handlers.get({ cid }, call())

  await assert.rejects(all(body), (error: unknown) => error instanceof OapError && error.status === 500)
  assert.equal(told.length, 1)
})

test('a reader that leaves, is cancelled or never begins frees the blob', async t => {
  const there = await given(t)
  const cid = await putAs(there, 'short', 'public')
  let released = 0
  const open = there.store.open.bind(there.store)
  t.mock.method(there.store, 'open', async (...asked: Parameters<BlobStore['open']>) => {
    const lease = await open(...asked)
    const release = lease!.release.bind(lease)
    t.mock.method(lease!, 'release', () => {
      released++
      release()
    })
    return lease
  })
  const abort = new AbortController()

  const read = await there.handlers.get({ cid }, call())
  await all(read.body)
  assert.ok(released > 0, 'read to its end')

  released = 0
  await there.handlers.get({ cid }, call({ signal: abort.signal }))
  abort.abort()
  assert.ok(released > 0, 'cancelled before it began')

  released = 0
  await there.handlers.get({ cid }, call({ signal: abort.signal }))
  assert.ok(released > 0, 'over before it was answered')

  released = 0
  assert.equal(await codeOf(there.handlers.get({ cid, offset: 5 }, call())), 'bad_range')
  assert.ok(released > 0, 'refused')
})

test('what is read ahead takes of the room that all answers share, and leaves it with its reader', async t => {
  const room = new ReadAhead(100_000)
  const there = await given(t, { room })
  const body = pieces(...Array.from({ length: 8 }, (_, n) => new Uint8Array(65_536).fill(n)))
  const { cid } = await there.handlers.put({ class: 'public' }, call({ ...holder(), body }))
  const first = await there.handlers.get({ cid, form: 'raw' }, call())
  const second = await there.handlers.get({ cid }, call())
  const [fromFirst, fromSecond] = [first.body!, second.body!].map(one => one[Symbol.asyncIterator]())

  for (const reader of [fromFirst!, fromSecond!]) for (let n = 0; n < 2; n++) await reader.next()
  assert.equal(room.heldBytes, 65_536)

  for (const reader of [fromFirst!, fromSecond!]) await reader.return!()
  assert.equal(room.heldBytes, 0)
})

test('a range that is less than the blob is answered with 206', async t => {
  const there = await given(t)
  const cid = await putAs(there, 'whole', 'public')
  const statusOf = async (range: object) => (await there.handlers.get({ cid, ...range }, call())).status

  assert.deepEqual(
    await Promise.all(
      [{}, { length: 5 }, { offset: 0, length: 99 }, { offset: 1 }, { length: 4 }].map(statusOf)
    ),
    [0, 0, 0, 206, 206]
  )
})

test('errors of the store have their codes', async t => {
  for (const [blob, code] of [
    ['tenant_full', 'storage_full'],
    ['disk_full', 'disk_full'],
    ['closed', 'not_ready'],
    ['failed', 'not_ready'],
    ['bad_dag', 'internal']
  ] as const) {
    const failing = { beginPut: () => Promise.reject(new BlobError(blob, 'why')) } as Partial<BlobStore>
    const { handlers } = await given(t, { store: () => failing as BlobStore })

    assert.equal(await codeOf(handlers.put({}, call(holder()))), code)
  }
})

test('an unpinned blob gets its end from the time of the call', async t => {
  const there = await given(t)
  const { handlers } = there
  const body = pieces(Buffer.from('passing'))
  const { cid } = await handlers.put({ ttl_s: 5 }, call({ ...holder(), body }))
  const digest = createHash('sha256').update('passing').digest()

  assert.equal(cid, cidText(cidOf('raw', digest)))
  assert.equal((await handlers.stat({ cid }, call(holder()))).blob?.expires_at, 6000)
  await handlers.pin({ cid }, call(holder()))
  assert.equal((await handlers.stat({ cid }, call(holder()))).blob?.expires_at, undefined)
})
