import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyDigest, keyPage } from '../../federation/index.ts'
import type { KeyPage } from '../../federation/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import { fetchKeys } from './fetching.ts'

/** The other side of a link, which answers each page as it likes. */
class OtherSide {
  readonly asked: number[] = []
  readonly #answer: (from: number, call: number) => KeyPage

  constructor(answer: (from: number, call: number) => KeyPage) {
    this.#answer = answer
  }

  client(): unknown {
    return {
      keys: async ({ from }: { readonly from: number }) => {
        this.asked.push(from)
        if (this.asked.length > 700) throw new Error('asked without end')
        return this.#answer(from, this.asked.length)
      }
    }
  }
}

const LINES = Array.from({ length: 200 }, (_, n) => `${n}${'x'.repeat(1000)}`)
const fetchFrom = (side: OtherSide, before?: string) => fetchKeys(side as unknown as ConnectionCaller, before)

test('all pages are asked for, one after the other', async () => {
  const side = new OtherSide(from => keyPage(LINES, from))

  const fetched = await fetchFrom(side)

  assert.deepEqual(fetched, { digest: keyDigest(LINES), lines: LINES })
  assert.deepEqual(side.asked, [0, 32, 64, 96, 128, 160, 192])
})

test('what is known by its digest costs one page, and nothing at all is whole', async () => {
  const side = new OtherSide(from => keyPage(LINES, from))
  assert.equal(await fetchFrom(side, keyDigest(LINES)), undefined)
  assert.deepEqual(side.asked, [0])
  assert.deepEqual(await fetchFrom(new OtherSide(() => keyPage([], 0))), { digest: keyDigest([]), lines: [] })
})

test('what changes on the way is left for the next time', async () => {
  const side = new OtherSide((from, call) => keyPage(call < 3 ? LINES : LINES.slice(1), from))

  assert.equal(await fetchFrom(side), undefined)
  assert.equal(side.asked.length, 3)
})

test('a side that lies about its pages is refused, and asked no further', async () => {
  const first = keyPage(LINES, 0)
  const wrong: readonly (readonly [KeyPage, RegExp])[] = [
    [{ ...first, total: 3 }, /more lines than there are/],
    [{ ...first, body: Buffer.alloc(0) }, /fewer lines than there are/],
    [{ ...first, body: Buffer.from('x'.repeat(40_000)) }, /longer than 32768/],
    [{ ...first, body: Buffer.from('no line feed') }, /line feed/],
    [{ ...keyPage(['a'], 0), digest: keyDigest(['b']) }, /not the lines of its digest/],
    [{ ...first, total: 576, body: Buffer.from('x\n'.repeat(600)) }, /more than 576 lines/],
    [{ ...first, total: 576, body: Buffer.from('\n') }, /an empty line/]
  ]
  for (const [page, message] of wrong) {
    const side = new OtherSide(() => page)
    await assert.rejects(fetchFrom(side), message)
    assert.equal(side.asked.length, 1)
  }
})

test('one line a page ends with the most that there may be', async () => {
  const side = new OtherSide(() => ({ total: 576, digest: keyDigest([]), body: Buffer.from('x\n') }))

  await assert.rejects(fetchFrom(side), /not the lines of its digest/)

  assert.equal(side.asked.length, 576)
})
