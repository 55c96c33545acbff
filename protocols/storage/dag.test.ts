import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError } from '../errors.ts'
import { BlockSet, lengthPrefixed, patterned, sha256 } from './blob.fixture.ts'
import { framedBlocks } from './block-frames.ts'
import { cidOf, cidText } from './cid.ts'
import type { Cid } from './cid.ts'
import { dagVerifier } from './dag-verifier.ts'
import type { DagVerifier } from './dag-verifier.ts'
import { dagWalk } from './dag-walk.ts'
import type { DagWalkOptions } from './dag-walk.ts'
import type { ByteRange } from './descent.ts'
import { isContentFault, isProviderFault } from './faults.ts'
import type { WrittenLink } from './file-node.ts'

const SMALL = { leafBytes: 10, links: 3 }

/** The body of a `dag` answer. */
async function bodyOf(
  blocks: BlockSet,
  cid: Cid,
  range: ByteRange = {},
  chunkBytes = 7
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of framedBlocks(dagWalk({ cid, blocks: blocks.get, ...range }), chunkBytes))
    chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Plain bytes that come out for a body that arrives in pieces of `step`. */
function read(verifier: DagVerifier, body: Uint8Array, step = body.length): Uint8Array {
  const plain: Uint8Array[] = []
  let at = verifier.offset
  for (let from = 0; from < body.length; from += step) {
    for (const block of verifier.push(body.subarray(from, from + step))) {
      if (block.plain.length > 0) assert.equal(block.offset, at)
      for (const bytes of block.plain) {
        plain.push(bytes)
        at += bytes.length
      }
    }
  }
  verifier.end()
  assert.equal(verifier.offset, at)
  return Buffer.concat(plain)
}

const code =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof OapError && error.code === expected

describe('a blob that is walked and verified', () => {
  for (const length of [0, 1, 10, 11, 30, 31, 90, 91, 271, 1000]) {
    test(`of ${length} bytes comes out as it went in, however it is cut`, async () => {
      const blocks = new BlockSet()
      const bytes = patterned(length)
      const cid = blocks.blob(bytes, SMALL)
      const body = await bodyOf(blocks, cid)

      for (const step of [1, 3, 16, 1000, 1 << 20]) {
        const verifier = dagVerifier({ cid, sha256 })
        assert.deepEqual(read(verifier, body, step), Buffer.from(bytes))
        assert.equal(verifier.totalLength, length)
        assert.equal(verifier.isDone, true)
      }
    })
  }

  test('gives any range, for the leaves that it touches and the way to them', async () => {
    const blocks = new BlockSet()
    const bytes = patterned(95)
    const cid = blocks.blob(bytes, SMALL)

    for (let offset = 0; offset < bytes.length; offset++) {
      for (const length of [1, 9, 10, 11, 40, 200]) {
        const body = await bodyOf(blocks, cid, { offset, length })
        const verifier = dagVerifier({ cid, offset, length, sha256 })

        assert.deepEqual(read(verifier, body, 13), Buffer.from(bytes.subarray(offset, offset + length)))
        const leaves = Math.ceil(Math.min(offset + length, 95) / 10) - Math.floor(offset / 10)
        assert.equal([...walked(body)].filter(block => block.length <= 10).length, leaves)
      }
    }
  })

  test('sends a block as often as it occurs', async () => {
    const blocks = new BlockSet()
    const bytes = new Uint8Array(35)
    const cid = blocks.blob(bytes, SMALL)

    const body = await bodyOf(blocks, cid)

    assert.equal([...walked(body)].length, 4 + 3)
    assert.deepEqual(read(dagVerifier({ cid, sha256 }), body, 4), Buffer.from(bytes))
  })

  test('goes on at the byte that another provider did not bring', async () => {
    const blocks = new BlockSet()
    const bytes = patterned(95)
    const cid = blocks.blob(bytes, SMALL)
    const first = dagVerifier({ cid, sha256 })
    first.push((await bodyOf(blocks, cid)).subarray(0, 700))

    const { offset } = first
    const rest = read(dagVerifier({ cid, offset, sha256 }), await bodyOf(blocks, cid, { offset }))

    assert.ok(offset > 0 && offset < 95 && offset % 10 === 0, `${offset}`)
    assert.deepEqual(rest, Buffer.from(bytes.subarray(offset)))
    assert.throws(() => first.end(), code('dag_cut'))
  })

  test('of 8 levels is taken', async () => {
    const { blocks, cid } = chain(8)

    assert.deepEqual(read(dagVerifier({ cid, sha256 }), await bodyOf(blocks, cid)), Buffer.from('x'))
  })
})

describe('a walk', () => {
  /** The most blocks that a walk had asked for and not yet yielded, while its reader took its time. */
  async function askedAhead(
    length: number,
    leafBytes: number,
    bounds: Partial<DagWalkOptions>
  ): Promise<number> {
    const blocks = new BlockSet()
    const cid = blocks.blob(patterned(length), { leafBytes, links: 1000 })
    let asked = 0
    let yielded = 0
    let most = 0
    const source = (id: Cid): Uint8Array | undefined => {
      asked++
      return blocks.get(id)
    }
    for await (const _ of dagWalk({ cid, blocks: source, ...bounds })) {
      await new Promise(resolve => setImmediate(resolve))
      yielded++
      most = Math.max(most, asked - yielded)
    }
    assert.equal(asked, yielded)
    return most
  }

  test('asks for a few leaves ahead, and for none that are too long to wait', async () => {
    assert.equal(await askedAhead(1000, 10, {}), 15)
    assert.equal(await askedAhead(1000, 10, { readAhead: 4 }), 3)
    assert.equal(await askedAhead(1000, 10, { readAhead: 0 }), 0)
    assert.equal(await askedAhead(1000, 10, { readAheadBytes: 25 }), 1)
    assert.equal(await askedAhead(1000, 10, { readAheadBytes: 9 }), 0)
  })

  test('ends where its reader leaves, its signal aborts, or a block is missing', async () => {
    const blocks = new BlockSet()
    const cid = blocks.blob(patterned(95), SMALL)
    const abort = new AbortController()
    const missing = blocks.blob(patterned(95).subarray(40, 50), SMALL)
    const source = (id: Cid): Uint8Array | undefined =>
      cidText(id) === cidText(missing) ? undefined : blocks.get(id)

    for await (const _ of dagWalk({ cid, blocks: blocks.get })) break
    await assert.rejects(
      async () => {
        for await (const _ of dagWalk({ cid, blocks: blocks.get, signal: abort.signal })) abort.abort()
      },
      { name: 'AbortError' }
    )
    const seen: number[] = []
    await assert.rejects(async () => {
      for await (const { offset } of dagWalk({ cid, blocks: source })) seen.push(offset)
    }, code('not_found'))
    assert.equal(seen.at(-1), 30)
  })
})

describe('what a provider does wrong', () => {
  const blocks = new BlockSet()
  const bytes = patterned(95)
  const cid = blocks.blob(bytes, SMALL)
  const whole = bodyOf(blocks, cid)

  test('no bit of a body can be changed', async () => {
    const body = await whole

    for (let at = 0; at < body.length; at++) {
      const forged = body.slice()
      forged[at]! ^= 1 << (at % 8)
      const verifier = dagVerifier({ cid, sha256 })

      assert.throws(() => read(verifier, forged), isProviderFault, `byte ${at}`)
    }
  })

  test('what was proved before the lie is passed on, and nothing after it', async () => {
    const body = (await whole).slice()
    body[body.length - 1]! ^= 1
    const verifier = dagVerifier({ cid, sha256 })

    assert.throws(() => verifier.push(body), code('bad_block'))
    const proved = verifier.takeProved().flatMap(({ plain }) => plain)

    assert.deepEqual(Buffer.concat(proved), Buffer.from(bytes.subarray(0, 90)))
    assert.equal(verifier.offset, 90)
    assert.throws(() => verifier.push(new Uint8Array(1)), code('bad_block'))
    assert.throws(() => verifier.end(), code('bad_block'))
  })

  test('a block without end is refused by its length alone', () => {
    const leaf = dagVerifier({ cid: cidOf('raw', new Uint8Array(32)), sha256 })
    const node = dagVerifier({ cid: cidOf('dag-pb', new Uint8Array(32)), sha256 })

    assert.throws(() => leaf.push(Uint8Array.of(1, 0, 16, 0)), code('block_oversize'))
    assert.throws(() => node.push(Uint8Array.of(1, 0, 1, 0)), code('block_oversize'))
  })

  test('bytes behind the last block are refused', async () => {
    const verifier = dagVerifier({ cid, sha256 })
    verifier.push(await whole)

    assert.equal(verifier.isDone, true)
    assert.throws(() => verifier.push(Uint8Array.of(0)), code('dag_surplus'))
  })

  test('a body that is cut off anywhere is refused', async () => {
    const body = await whole

    for (let length = 0; length < body.length; length++)
      assert.throws(() => read(dagVerifier({ cid, sha256 }), body.subarray(0, length)), code('dag_cut'))
  })
})

describe('a blob that nobody can serve', () => {
  for (const [what, expected, make] of [
    ['has 9 levels', 'too_deep', () => chain(9)],
    ['has a leaf of another length', 'bad_lengths', () => oneNode(leaf => [{ ...leaf, length: 3 }])],
    [
      'has a node of another length',
      'bad_lengths',
      () => oneNode((leaf, blocks) => [{ ...blocks.node([leaf]), length: 3 }])
    ],
    ['links to what is no file', 'bad_node', () => oneNode((leaf, blocks) => [notAFile(leaf, blocks)])]
  ] as const) {
    test(`because it ${what}, is the content's fault for writer and reader`, async () => {
      const { blocks, cid } = make()
      const verifier = dagVerifier({ cid, sha256 })

      await assert.rejects(bodyOf(blocks, cid), code(expected))
      assert.throws(() => {
        for (const block of blocks.all()) verifier.push(lengthPrefixed(block))
      }, isContentFault)
      assert.throws(() => verifier.end(), code(expected))
    })
  }

  test('is refused where a range lies outside it', async () => {
    const blocks = new BlockSet()
    const cid = blocks.blob(patterned(95), SMALL)
    const empty = blocks.blob(new Uint8Array(0), SMALL)

    for (const [root, offset] of [
      [cid, 95],
      [cid, 1000],
      [empty, 1]
    ] as const) {
      await assert.rejects(bodyOf(blocks, root, { offset }), code('bad_range'), cidText(root))
      const verifier = dagVerifier({ cid: root, offset, sha256 })
      assert.throws(() => verifier.push(lengthPrefixed(blocks.get(root)!)), code('bad_range'))
    }
    for (const range of [{ offset: -1 }, { offset: 0.5 }, { length: 0 }, { length: NaN }])
      assert.throws(() => dagVerifier({ cid, ...range, sha256 }), code('bad_range'))
  })
})

/** Blocks of a body. */
function* walked(body: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  for (let at = 0; at < body.length;) {
    const length = view.getUint32(at, true)
    yield body.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}

/** A leaf below nodes of one link each. */
function chain(levels: number): { blocks: BlockSet; cid: Cid } {
  const blocks = new BlockSet()
  let link = blocks.raw(Buffer.from('x'))
  for (let level = 1; level < levels; level++) link = blocks.node([link])
  return { blocks, cid: link.cid }
}

function oneNode(links: (leaf: WrittenLink, blocks: BlockSet) => WrittenLink[]): {
  blocks: BlockSet
  cid: Cid
} {
  const blocks = new BlockSet()
  const { cid } = blocks.node(links(blocks.raw(Buffer.from('four')), blocks))
  return { blocks, cid }
}

const notAFile = ({ length }: WrittenLink, blocks: BlockSet): WrittenLink => ({
  cid: blocks.keep('dag-pb', Buffer.from('0a020801', 'hex')),
  length,
  treeBytes: length
})
