import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import type { BlobProvider } from '../fetch/blob-provider.ts'
import { blobOf } from '../fetch/fake-network.fixture.ts'
import { ManualClock, settle } from '../manual-clock.fixture.ts'
import { LinkedFirst } from './provider-search.ts'
import type { LinkedHolder, SearchOptions } from './provider-search.ts'
import type { RoutedPeer, Routing } from './routing.ts'

const { cid } = blobOf(10).root
const OPTIONS = { timeout: 60_000 }

class FakeHolder implements LinkedHolder {
  readonly provider: string
  readonly #answer: () => ReturnType<LinkedHolder['holds']>
  asked = 0

  constructor(provider: string, answer: () => ReturnType<LinkedHolder['holds']>) {
    this.provider = provider
    this.#answer = answer
  }

  holds(): ReturnType<LinkedHolder['holds']> {
    this.asked++
    return this.#answer()
  }

  readonly get = (): never => assert.fail('not asked for the blob')
}

class FakeRouting implements Routing {
  asked = 0
  wasAborted = false
  readonly #peers: readonly string[]
  readonly #isSilent: boolean

  constructor(peers: readonly string[], { isSilent = false } = {}) {
    this.#peers = peers
    this.#isSilent = isSilent
  }

  async *findProviders(_: unknown, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<RoutedPeer> {
    this.asked++
    signal.addEventListener('abort', () => (this.wasAborted = true))
    for (const peer of this.#peers) yield { peer, addresses: [] }
    // It does not even look at its signal.
    if (this.#isSilent) await new Promise(() => undefined)
  }

  provide(): never {
    assert.fail('not asked to provide')
  }
}

const has = (provider: string): FakeHolder => new FakeHolder(provider, async () => 'all')
const hasNot = (provider: string): FakeHolder => new FakeHolder(provider, async () => undefined)
const silent = (provider: string): FakeHolder => new FakeHolder(provider, () => new Promise(() => undefined))

void describe('looking for providers', OPTIONS, () => {
  void test('asks all linked peers at once, and the DHT not at all while one of them will do', async () => {
    const routing = new FakeRouting(['x'])
    const linked = [hasNot('a'), has('b'), silent('c')]
    const { iterator, clock } = searchOf({ linked, routing })

    const first = await iterator.next()
    await clock.advance(60_000)

    assert.equal((first.value as BlobProvider).provider, 'b')
    assert.deepEqual(
      linked.map(({ asked }) => asked),
      [1, 1, 1]
    )
    assert.equal(routing.asked, 0)
    await iterator.return(undefined)
  })

  void test('asks the DHT after 250 ms without a yes', async () => {
    const routing = new FakeRouting(['x'])
    const { iterator, clock } = searchOf({ linked: [silent('a')], routing })

    const next = iterator.next()
    await clock.advance(249)
    assert.equal(routing.asked, 0)
    await clock.advance(1)

    const { value } = await next
    assert.deepEqual([(value as BlobProvider).provider, (value as BlobProvider).via], ['x', 'dht'])
    await iterator.return(undefined)
  })

  void test('asks the DHT at once when all linked peers have said no, or when there is none', async () => {
    for (const linked of [[], [hasNot('a'), hasNot('b')]]) {
      const { iterator } = searchOf({ linked, routing: new FakeRouting(['x']) })

      assert.equal(((await iterator.next()).value as BlobProvider).provider, 'x')
      await iterator.return(undefined)
    }
  })

  void test('names each provider once, and goes on to the DHT for whoever asks for more', async () => {
    const { iterator } = searchOf({ linked: [has('a')], routing: new FakeRouting(['a', 'x', 'x', 'y']) })

    assert.deepEqual(await namesOf(iterator), ['a', 'x', 'y'])
  })

  void test('tells which ranges a linked peer has', async () => {
    const ranges = [{ from: 0, to: 5 }]
    const { iterator } = searchOf({ linked: [new FakeHolder('a', async () => ranges)] })

    assert.equal(((await iterator.next()).value as BlobProvider).has, ranges)
  })

  void test('ends where the DHT is off and nobody linked has it', async () => {
    const { iterator } = searchOf({ linked: [hasNot('a')] })

    assert.deepEqual(await namesOf(iterator), [])
  })

  void test('ends at its deadlines although nobody answers, and notes whom it waited for', async () => {
    const routing = new FakeRouting(['x'], { isSilent: true })
    const { iterator, clock, search } = searchOf({ linked: [silent('a')], routing })
    const names = namesOf(iterator)

    await clock.advance(10_250)

    assert.deepEqual(await names, ['x'])
    assert.deepEqual(search.notes, ['a: deadline', 'dht: deadline'])
    assert.equal(routing.wasAborted, true)
    assert.equal(clock.waiting, 0)
  })

  void test('notes refusals, and peers that it cannot reach', async () => {
    const refusing = new FakeHolder('a', async () => {
      throw new OapError('not_shared')
    })
    const { iterator, search } = searchOf({
      linked: [refusing],
      routing: new FakeRouting(['x']),
      reach: () => undefined
    })

    assert.deepEqual(await namesOf(iterator), [])
    assert.deepEqual(search.notes, ['a: not_shared', 'dht: x has it and cannot be reached'])
  })

  void test('looks at twenty peers of the DHT at most', async () => {
    const many = Array.from({ length: 1000 }, (_, n) => `peer ${n}`)
    const { iterator } = searchOf({ linked: [], routing: new FakeRouting(many) })

    assert.equal((await namesOf(iterator)).length, 20)
  })

  void test('asks 32 linked peers at a time, and all in the end', async () => {
    let open = 0
    let most = 0
    const linked = Array.from(
      { length: 100 },
      (_, n) =>
        new FakeHolder(String(n), async () => {
          most = Math.max(most, ++open)
          await settle()
          open--
          return n === 99 ? 'all' : undefined
        })
    )

    const { iterator } = searchOf({ linked })

    assert.deepEqual(await namesOf(iterator), ['99'])
    assert.equal(most, 32)
  })

  void test('is stopped while somebody waits for the next', async () => {
    const routing = new FakeRouting([], { isSilent: true })
    const { iterator, search, clock } = searchOf({ linked: [], routing })
    const next = iterator.next()
    await settle()

    search.stop()

    assert.equal((await next).done, true)
    assert.equal(routing.wasAborted, true)
    assert.equal(clock.waiting, 0)
  })

  void test('ends with its signal, and leaves nothing waiting', async () => {
    const abort = new AbortController()
    const routing = new FakeRouting([], { isSilent: true })
    const { iterator, clock } = searchOf({ linked: [silent('a')], routing, signal: abort.signal })
    const names = namesOf(iterator)
    await clock.advance(300)

    abort.abort()

    assert.deepEqual(await names, [])
    await settle()
    assert.equal(routing.wasAborted, true)
    assert.equal(clock.waiting, 0)
  })
})

function searchOf(options: Partial<SearchOptions>) {
  const clock = new ManualClock()
  const reach: SearchOptions['reach'] = ({ peer }) => ({
    provider: peer,
    get: () => assert.fail('not asked')
  })
  const search = new LinkedFirst({ cid, linked: [], reach, clock, ...options })
  return { search, clock, iterator: search[Symbol.asyncIterator]() }
}

async function namesOf(iterator: AsyncGenerator<BlobProvider, void>): Promise<string[]> {
  const names: string[] = []
  for await (const { provider } of iterator) names.push(provider)
  return names
}
