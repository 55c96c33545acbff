import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { cidOf, cidText, encodeFileNode } from '../../protocols/index.ts'
import type { BlockCodec, Cid, WrittenLink } from '../../protocols/index.ts'
import { missingRanges } from './missing-ranges.ts'

/** Blocks that are here; each look at one is counted. */
class CountingShelf {
  readonly #blocks = new Map<string, Uint8Array>()
  looks = 0

  add(codec: BlockCodec, bytes: Uint8Array): Cid {
    const cid = cidOf(codec, createHash('sha256').update(bytes).digest())
    this.#blocks.set(cidText(cid), bytes)
    return cid
  }

  addNode(links: readonly WrittenLink[]): WrittenLink {
    const cid = this.add('dag-pb', encodeFileNode(links))
    return { cid, length: links.reduce((sum, { length }) => sum + length, 0), treeBytes: 0 }
  }

  has(cid: Cid): Promise<boolean> {
    return this.#look(this.#blocks.has(cidText(cid)))
  }

  get(cid: Cid): Promise<Uint8Array | undefined> {
    return this.#look(this.#blocks.get(cidText(cid)))
  }

  #look<T>(found: T): Promise<T> {
    assert.ok(++this.looks <= 1_000_000, 'it looks at a block for ever')
    return Promise.resolve(found)
  }
}

const leafOf = (cid: Cid): WrittenLink => ({ cid, length: 1, treeBytes: 1 })
const absent = (n: number): WrittenLink => leafOf(cidOf('raw', createHash('sha256').update(`${n}`).digest()))

test('a blob that names the same blocks again and again is looked at in part', async () => {
  const shelf = new CountingShelf()
  let top = leafOf(shelf.add('raw', Buffer.from('a')))
  for (let level = 0; level < 3; level++) top = shelf.addNode(Array<WrittenLink>(1024).fill(top))

  const { total, ranges } = await missingRanges(shelf, top.cid)

  assert.equal(total, 2 ** 30)
  assert.equal(ranges.length, 1)
  assert.equal(ranges[0]!.to, 2 ** 30)
  assert.ok(shelf.looks <= 65_536 + 2 ** 30 / 4096 + 2, `${shelf.looks} looks`)
})

test('of a blob with many holes few ranges are kept, and none of the holes is forgotten', async () => {
  const shelf = new CountingShelf()
  const here = leafOf(shelf.add('raw', Buffer.from('a')))
  const nodes = Array.from({ length: 20 }, (_, n) =>
    shelf.addNode(Array.from({ length: 1024 }, (_, at) => (at % 2 === 0 ? here : absent(n * 1024 + at))))
  )
  const top = shelf.addNode(nodes)

  const { ranges } = await missingRanges(shelf, top.cid)

  assert.equal(ranges.length, 4096)
  assert.deepEqual(ranges[0], { from: 1, to: 2 })
  assert.deepEqual(ranges.at(-1), { from: 8191, to: 20 * 1024 })
})
