import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Routing } from '../../dht/index.ts'
import { ReadAhead, cidOf, cidText, storageService } from '../../protocols/index.ts'
import type { Call, Handlers, Provider, Service } from '../../protocols/index.ts'
import { BlobFetcher } from './blob-fetcher.ts'
import { fetching } from './fetching-service.ts'

type StorageOperations = (typeof storageService)['operations']

const OPTIONS = { timeout: 60_000 }
const CID = cidText(cidOf('raw', new Uint8Array(32)))
const HERE: Provider = { peer: 'this node', addresses: [], via: 'here' }

void describe('who has a blob', OPTIONS, () => {
  void test('is asked of others only for who may know, and for so many at a time', async () => {
    const { providers, routing } = serviceOf({ maySearch: true })
    const abort = new AbortController()
    const waiting = Array.from({ length: 16 }, async () => providers({ cid: CID }, call(abort.signal)))
    // Each has to get as far as its search.
    for (let turns = 0; turns < 5; turns++) await new Promise(resolve => setImmediate(resolve))

    await assert.rejects(async () => providers({ cid: CID }, call(abort.signal)), { code: 'saturated' })
    assert.equal(routing.asked, 16)

    abort.abort()
    for (const { providers: found } of await Promise.all(waiting)) assert.deepEqual(found, [HERE])
    assert.equal(routing.asked, 16)
  })

  void test('is this node alone for who may not', async () => {
    const { providers, routing } = serviceOf({ maySearch: false })

    assert.deepEqual(await providers({ cid: CID }, call()), { providers: [HERE] })
    assert.equal(routing.asked, 0)
  })

  void test('is no more than was asked for', async () => {
    const { providers, routing } = serviceOf({ maySearch: true })

    assert.deepEqual(await providers({ cid: CID, max: 1 }, call()), { providers: [HERE] })
    assert.equal(routing.asked, 0)
  })
})

/** A DHT that never answers. */
class SilentRouting implements Routing {
  asked = 0

  findProviders() {
    this.asked++
    return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }
  }

  provide(): never {
    assert.fail('not asked to')
  }
}

function serviceOf({ maySearch }: { readonly maySearch: boolean }) {
  const routing = new SilentRouting()
  const fetcher = new BlobFetcher({
    store: () => assert.fail('not looked at'),
    room: new ReadAhead(0),
    linked: () => [],
    routing: () => routing,
    tenantBytes: () => 0,
    mostBytes: 0,
    fetchesPerTenant: 0,
    now: () => 0
  })
  const handlers = {
    providers: async () => ({ providers: [HERE] })
  } as unknown as Handlers<StorageOperations>
  const inner: Service<StorageOperations> = { table: storageService, handlers }
  const { providers } = fetching(inner, {
    fetcher,
    mayFetch: () => false,
    tenantOf: () => '',
    maySearch: () => maySearch
  }).handlers
  return { providers, routing }
}

const call = (signal = new AbortController().signal): Call => ({ signal }) as Call
