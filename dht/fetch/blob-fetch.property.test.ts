import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { cidText, parseCid } from '../../protocols/index.ts'
import { ManualClock } from '../manual-clock.fixture.ts'
import { BlameBook } from './blame-book.ts'
import { BlobFetch } from './blob-fetch.ts'
import { ENDS } from './ends.ts'
import { FakeProvider, FakeSearch, MemoryShelf, blobOf, notFound } from './fake-network.fixture.ts'
import type { Manners } from './fake-network.fixture.ts'
import { FetchFailed } from './fetch-failed.ts'

const chunk = fc.nat(60)
const honest = fc.record({ chunkBytes: fc.integer({ min: 4, max: 200 }) })
const hostile: fc.Arbitrary<Manners> = fc.oneof(
  fc.record({ liesAt: chunk }),
  fc.record({ liesAt: chunk, chunkBytes: fc.integer({ min: 4, max: 9 }) }),
  fc.record({ dropsAt: chunk }),
  fc.record({ cutAt: chunk }),
  fc.record({ stallsAt: chunk }),
  fc.record({ totalLength: fc.nat(4000) }),
  fc.constant({ isEndless: true }),
  fc.constant({ refuses: notFound() }),
  fc.constant({ refuses: new Error('no route') })
)
const range = fc.option(fc.record({ offset: fc.nat(2500), length: fc.integer({ min: 1, max: 3000 }) }), {
  nil: undefined
})

test('whatever providers do, what comes is the blob or nothing, and one that is honest is enough', async () => {
  const blob = blobOf(3001)
  await fc.assert(
    fc.asyncProperty(
      fc.array(hostile, { maxLength: 4 }),
      fc.option(honest, { nil: undefined }),
      fc.nat(4),
      range,
      async (others, good, place, asked) => {
        const clock = new ManualClock()
        const shelf = new MemoryShelf()
        const blame = new BlameBook()
        const manners =
          good === undefined ? others : [...others.slice(0, place), good, ...others.slice(place)]
        const providers = manners.map((each, n) => new FakeProvider(String(n), blob, { ...each, clock }))
        const search = new FakeSearch(providers)

        const fetch = new BlobFetch({ cid: blob.root.cid, ...asked, shelf, search, blame, clock })
        const outcome = fetch.done.then(
          report => report,
          (error: unknown) => error
        )
        await clock.advance(60_000)
        const ended = await outcome

        for (const [cid, bytes] of shelf.blocks)
          assert.deepEqual(hash('sha256', bytes, 'buffer'), Buffer.from(parseCid(cid).digest))
        if (good !== undefined) assert.ok(!(ended instanceof Error), String(ended))
        if (ended instanceof Error) {
          assert.ok(ended instanceof FetchFailed)
          assert.equal(ended.report.providers.length, manners.length)
        } else assert.deepEqual(await read(fetch), wanted(blob.bytes, asked))
        for (const [n, each] of manners.entries()) {
          const bar = blame.barOf(String(n), clock.nowMs())
          if (bar !== undefined && ENDS[bar.code].isLie)
            assert.ok('liesAt' in each || 'isEndless' in each || 'totalLength' in each, `${n}: ${bar.code}`)
        }
        assert.equal(clock.waiting, 0)
        assert.ok(providers.every(({ openAnswers }) => openAnswers === 0))
      }
    ),
    { numRuns: 150 }
  )
})

test('blocks that several blobs share, and one that repeats, come as often as they occur', async () => {
  const one = blobOf(400)
  const bytes = new Uint8Array(4000).fill(7)
  const { FileDag } = await import('../import/file-dag.ts')
  const dag = new FileDag({ leafBytes: 100, links: 4 })
  const first = dag.push(bytes)
  const { blocks: last, root } = dag.end()
  const blocks = new Map([...first, ...last].map(block => [cidText(block.cid), block]))
  const blob = { bytes, root, blocks }
  assert.ok(blocks.size < one.blocks.size + 3)

  const search = new FakeSearch([new FakeProvider('a', blob)])
  const fetch = new BlobFetch({
    cid: root.cid,
    shelf: new MemoryShelf(),
    search,
    blame: new BlameBook(),
    clock: new ManualClock()
  })

  assert.deepEqual(await read(fetch), Buffer.from(bytes))
  assert.equal((await fetch.done).fetched, 4000)
})

async function read(fetch: BlobFetch): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of fetch.plain()) pieces.push(piece)
  return Buffer.concat(pieces)
}

const wanted = (
  bytes: Uint8Array,
  asked: { readonly offset: number; readonly length: number } | undefined
): Buffer =>
  Buffer.from(asked === undefined ? bytes : bytes.subarray(asked.offset, asked.offset + asked.length))
