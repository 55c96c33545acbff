import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { OapError, cidOf, cidText, encodeFileNode } from '../../protocols/index.ts'
import { ManualClock, settle } from '../manual-clock.fixture.ts'
import { BlameBook } from './blame-book.ts'
import { BlobFetch } from './blob-fetch.ts'
import type { FetchOptions } from './blob-fetch.ts'
import { FakeProvider, FakeSearch, MemoryShelf, blobOf, notFound } from './fake-network.fixture.ts'
import type { Manners, WholeBlob } from './fake-network.fixture.ts'
import { FetchFailed } from './fetch-failed.ts'
import type { ProviderReport } from './fetch-report.ts'

const OPTIONS = { timeout: 60_000 }

void describe('a fetch from one provider', OPTIONS, () => {
  for (const length of [0, 1, 100, 101, 400, 401, 5000]) {
    void test(`brings all blocks of a blob of ${length} bytes`, async () => {
      const { fetch, shelf, blob } = fetchOf(blobOf(length), [{}])

      const { missing, fetched, providers } = await fetch.done

      assert.deepEqual(new Set(shelf.blocks.keys()), new Set(blob.blocks.keys()))
      assert.deepEqual([missing, fetched], [length, length])
      assert.deepEqual(ends(providers), ['done'])
      assert.deepEqual(await read(fetch), Buffer.from(blob.bytes))
    })
  }

  void test('brings of a range the leaves that it touches and the way to them', async () => {
    const { fetch, shelf, blob } = fetchOf(blobOf(5000), [{}], { offset: 250, length: 200 })

    await fetch.done

    assert.equal([...shelf.blocks.keys()].filter(cid => cid.startsWith('bafkrei')).length, 3)
    assert.deepEqual(await read(fetch), Buffer.from(blob.bytes.subarray(250, 450)))
  })

  void test('hands on what is proved while the rest still comes, and tells how far it is', async () => {
    const clock = new ManualClock()
    const told: unknown[] = []
    const { fetch, blob } = fetchOf(blobOf(300), [{ stallsAt: 8, clock }], {
      clock,
      onProgress: progress => told.push(progress)
    })

    const first = await fetch.plain().next()

    assert.deepEqual(Buffer.from(first.value!), Buffer.from(blob.bytes.subarray(0, 100)))
    assert.deepEqual(told[0], { fetched: 100, missing: 300 })
    fetch.abort()
    await assert.rejects(fetch.done, { name: 'AbortError' })
  })

  void test('tells its length once the root is proved, and ends when that is too much', async () => {
    const { fetch } = fetchOf(blobOf(5000), [{}])
    assert.equal(await fetch.total, 5000)

    const tooMuch = fetchOf(blobOf(5000), [{}, {}], {
      onTotal: bytes => {
        if (bytes > 4000) throw new Error('too much')
      }
    })
    await assert.rejects(tooMuch.fetch.done, /too much/)
    await assert.rejects(tooMuch.fetch.total, /too much/)
    assert.equal(tooMuch.providers[1]!.asked.length, 0)
  })

  void test('hands on the blocks as another can prove them', async () => {
    const { fetch, blob } = fetchOf(blobOf(5000), [{}])
    const blocks: string[] = []

    for await (const { cid } of fetch.blocks()) blocks.push(cidText(cid))

    assert.equal(blocks[0], cidText(blob.root.cid))
    assert.equal(blocks.length, blob.blocks.size)
  })

  void test('stores no further ahead of a slow reader than its window', async () => {
    const blob = blobOf(20_000)
    const { fetch, shelf, providers } = fetchOf(blob, [{}], {
      isRead: true,
      bounds: { windowBytes: 1000, shareBytes: 100 }
    })
    const plain = fetch.plain()
    const lead: number[] = []
    let taken = 0

    for (let piece = await plain.next(); piece.done !== true; piece = await plain.next()) {
      await settle()
      lead.push(leavesOf(shelf) * 100 - taken)
      taken += piece.value.length
    }

    assert.equal(taken, 20_000)
    assert.ok(Math.max(...lead) <= 1200, `${Math.max(...lead)} bytes ahead`)
    assert.ok(providers[0]!.asked.length > 10)
  })
})

void describe('a provider that lies is caught within one block and blamed', OPTIONS, () => {
  const cases: readonly (readonly [what: string, manners: Manners, code: string])[] = [
    ['a bad leaf', { liesAt: 12 }, 'bad_block'],
    ['a bad interior node', { liesAt: 1 }, 'bad_block'],
    ['a block that is too long', { liesAt: 0, chunkBytes: 4 }, 'block_oversize'],
    ['an endless stream', { isEndless: true }, 'dag_surplus'],
    ['another length of the blob', { totalLength: 4999 }, 'bad_head']
  ]
  for (const [what, manners, code] of cases) {
    void test(what, async () => {
      const { fetch, blob, providers, blame, shelf } = fetchOf(blobOf(5000), [manners, {}])

      await fetch.done
      await settle()

      assert.equal(blame.barOf('0', 0)?.code, code)
      assert.equal(blame.barOf('1', 0), undefined)
      assert.deepEqual(await read(fetch), Buffer.from(blob.bytes))
      assert.deepEqual([...shelf.blocks.keys()].toSorted(), [...blob.blocks.keys()].toSorted())
      assert.ok(providers.every(({ openAnswers }) => openAnswers === 0))
    })
  }

  void test('and is not asked by the next fetch', async () => {
    const blame = new BlameBook()
    await fetchOf(blobOf(500), [{ liesAt: 3 }, {}], { blame }).fetch.done

    const { fetch, providers } = fetchOf(blobOf(500), [{}, {}], { blame })
    const report = await fetch.done

    assert.equal(providers[0]!.asked.length, 0)
    assert.deepEqual(ends(report.providers), ['barred', 'done'])
  })
})

void describe('the next provider goes on', OPTIONS, () => {
  for (const [what, manners, code] of [
    ['at the leaf where a connection broke', { dropsAt: 40 }, 'dropped'],
    ['at the leaf where an answer ended short', { cutAt: 40 }, 'dag_cut'],
    ['at the leaf that was a lie', { liesAt: 40 }, 'bad_block']
  ] as const) {
    void test(what, async () => {
      const { fetch, blob, providers } = fetchOf(blobOf(5000), [manners, {}])

      const report = await fetch.done

      const { reached } = report.providers[0]!
      assert.deepEqual(ends(report.providers), [code, 'done'])
      assert.equal(reached! % 100, 0)
      assert.ok(reached! >= 500, `reached ${reached}`)
      assert.equal(providers[1]!.asked[0]!.offset, reached)
      assert.deepEqual(await read(fetch), Buffer.from(blob.bytes))
    })
  }

  void test('after 250 ms without a word, and in place of one that stalls', async () => {
    const clock = new ManualClock()
    const { fetch, providers, blame } = fetchOf(blobOf(5000), [{ stallsAt: 0 }, { stallsAt: 30 }, {}], {
      clock
    })

    await clock.advance(249)
    assert.equal(providers[1]!.asked.length, 0)
    await clock.advance(1)
    assert.equal(providers[1]!.asked.length, 1)
    await clock.advance(6000)

    assert.deepEqual(ends((await fetch.done).providers), ['outrun', 'outrun', 'done'])
    assert.equal(blame.barOf('2', clock.nowMs()), undefined)
  })

  void test('while a slow one keeps what it is good at', async () => {
    const clock = new ManualClock()
    const { fetch } = fetchOf(blobOf(20_000), [{ paceMs: 5, clock }, {}], {
      clock,
      bounds: { shareBytes: 100 }
    })

    await clock.advance(60_000)

    const report = await fetch.done
    assert.ok(report.providers[0]!.bytes > 0)
    assert.ok(report.providers[1]!.bytes > 10_000)
    assert.ok(report.ms < 5000, `${report.ms} ms`)
    assert.ok(report.providers[0]!.bytes < 10_000)
  })
})

void describe('a fetch that fails', OPTIONS, () => {
  void test('names each provider, how far it came and why it stopped', async () => {
    const clock = new ManualClock()
    const { fetch } = fetchOf(
      blobOf(5000),
      [
        { liesAt: 15 },
        { stallsAt: 4 },
        { refuses: notFound() },
        { refuses: new Error('no route') },
        { refuses: new OapError('cap_denied') }
      ],
      { clock }
    )
    const failed = fetch.done.catch((error: unknown) => error)

    await clock.advance(120_000)

    const error = await failed
    assert.ok(error instanceof FetchFailed)
    assert.equal(error.code, 'upstream')
    assert.deepEqual(ends(error.report.providers), [
      'bad_block',
      'stalled',
      'not_found',
      'unreachable',
      'denied'
    ])
    assert.equal(error.report.providers[4]!.detail, 'cap_denied')
    assert.ok(error.report.providers[0]!.reached! > 0)
    assert.equal(error.report.missing, 5000)
    assert.ok(error.report.fetched > 0 && error.report.fetched < 5000)
    assert.equal(clock.waiting, 0)
  })

  void test('is not_found when nobody has the blob', async () => {
    for (const all of [[], [{ refuses: notFound() }, { refuses: notFound() }]]) {
      await assert.rejects(fetchOf(blobOf(100), all).fetch.done, { name: 'OapError', code: 'not_found' })
    }
  })

  void test('is over at its deadline, and tells its readers', async () => {
    const clock = new ManualClock()
    const { fetch } = fetchOf(blobOf(5000), [{ paceMs: 500, clock }], { clock, deadlineMs: 20_000 })
    const reading = read(fetch).catch((error: unknown) => error)
    const failed = fetch.done.catch((error: unknown) => error)

    await clock.advance(20_000)

    assert.equal(((await failed) as OapError).code, 'deadline')
    assert.equal(await reading, await failed)
    assert.equal(clock.waiting, 0)
  })

  void test('blames nobody when the blob itself is wrong', async () => {
    const blob = blobOf(1000)
    const { fetch, blame } = fetchOf(withWrongLengths(blob), [{}, {}])

    await assert.rejects(fetch.done, { code: 'bad_lengths' })
    assert.equal(blame.size, 0)
  })

  void test('is one whose range is behind the end', async () => {
    const { fetch, blame } = fetchOf(blobOf(1000), [{}], { offset: 1000, length: 5 })

    await assert.rejects(fetch.done, { code: 'bad_range' })
    assert.equal(blame.size, 0)
  })

  void test('ends with what the shelf throws, and asks nobody else', async () => {
    const shelf = new MemoryShelf()
    shelf.write = () => Promise.reject(new Error('no room'))
    const { fetch, providers } = fetchOf(blobOf(5000), [{}, {}], { shelf })

    await assert.rejects(fetch.done, /no room/)
    assert.equal(providers[1]!.asked.length, 0)
    await settle()
    assert.equal(providers[0]!.openAnswers, 0)
  })

  void test('ends when its caller has enough', async () => {
    const clock = new ManualClock()
    const abort = new AbortController()
    const { fetch, providers } = fetchOf(blobOf(5000), [{ stallsAt: 3 }], { clock, signal: abort.signal })
    await settle()

    abort.abort()

    await assert.rejects(fetch.done, { name: 'AbortError' })
    await settle()
    assert.equal(providers[0]!.openAnswers, 0)
    assert.equal(clock.waiting, 0)
  })
})

void describe('a fetch that was broken off', OPTIONS, () => {
  void test('goes on with the blocks that are here, and asks only for the rest', async () => {
    const blob = blobOf(5000)
    const shelf = new MemoryShelf()
    await assert.rejects(fetchOf(blob, [{ cutAt: 40 }], { shelf }).fetch.done)
    const kept = leavesOf(shelf)
    assert.ok(kept > 5 && kept < 50)

    const { fetch, providers } = fetchOf(blob, [{}], { shelf })
    const { missing } = await fetch.done

    assert.equal(missing, 5000 - kept * 100)
    assert.equal(providers[0]!.asked[0]!.offset, kept * 100)
    assert.deepEqual(await read(fetch), Buffer.from(blob.bytes))
  })

  void test('asks nobody when all is here', async () => {
    const blob = blobOf(5000)
    const shelf = new MemoryShelf()
    await fetchOf(blob, [{}], { shelf }).fetch.done

    const { fetch, search } = fetchOf(blob, [{}], { shelf })
    const { missing, providers } = await fetch.done

    assert.deepEqual([missing, providers.length, search.pulled], [0, 0, 0])
  })

  void test('asks for each hole', async () => {
    const blob = blobOf(2000)
    const shelf = new MemoryShelf()
    await fetchOf(blob, [{}], { shelf }).fetch.done
    const leaves = [...blob.blocks.values()].filter(({ cid }) => cid.codec === 'raw')
    for (const n of [3, 4, 11]) shelf.blocks.delete(cidText(leaves[n]!.cid))

    const { fetch, providers } = fetchOf(blob, [{}], { shelf })
    await fetch.done

    assert.deepEqual(
      providers[0]!.asked.map(({ offset, length }) => [offset, length]),
      [
        [300, 200],
        [1100, 100]
      ]
    )
  })
})

void test('providers are looked for only while they are needed', OPTIONS, async () => {
  const { fetch, search } = fetchOf(blobOf(5000), [{}, {}, {}])

  await fetch.done
  await settle()

  assert.equal(search.pulled, 1)
  assert.equal(search.isStopped, true)
})

test('a search that is under way ends with the fetch', OPTIONS, async () => {
  const clock = new ManualClock()
  const { root } = blobOf(100)
  let stopped = 0
  const search = {
    notes: [],
    stop: () => void stopped++,
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) })
  }
  const fetch = new BlobFetch({
    cid: root.cid,
    search,
    shelf: new MemoryShelf(),
    blame: new BlameBook(),
    clock
  })
  await settle()

  fetch.abort()
  await settle()

  assert.equal(stopped, 1)
  await assert.rejects(fetch.done, { name: 'AbortError' })
})

function fetchOf(blob: WholeBlob, manners: readonly Manners[], options: Partial<FetchOptions> = {}) {
  const providers = manners.map((each, n) => new FakeProvider(String(n), blob, each))
  const search = new FakeSearch(providers)
  const shelf = (options.shelf as MemoryShelf | undefined) ?? new MemoryShelf()
  const blame = options.blame ?? new BlameBook()
  const clock = options.clock ?? new ManualClock()
  const fetch = new BlobFetch({ cid: blob.root.cid, search, ...options, shelf, blame, clock })
  return { fetch, providers, search, shelf, blame, blob }
}

async function read(fetch: BlobFetch): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of fetch.plain()) pieces.push(piece)
  return Buffer.concat(pieces)
}

const ends = (providers: readonly ProviderReport[]): unknown[] => providers.map(({ ended }) => ended)

const leavesOf = (shelf: MemoryShelf): number =>
  [...shelf.blocks.keys()].filter(cid => cid.startsWith('bafkrei')).length

/** Its root says 50 bytes of a child that has 400. */
function withWrongLengths(blob: WholeBlob): WholeBlob {
  const child = [...blob.blocks.values()].find(({ cid }) => cid.codec === 'dag-pb')!
  const bytes = encodeFileNode([{ cid: child.cid, length: 50, treeBytes: 1 }])
  const cid = cidOf('dag-pb', hash('sha256', bytes, 'buffer'))
  return {
    ...blob,
    bytes: blob.bytes.subarray(0, 50),
    root: { cid, length: 50, treeBytes: 1 },
    instead: [{ cid, bytes }, child]
  }
}
