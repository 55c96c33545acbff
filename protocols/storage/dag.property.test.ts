import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OapError } from '../errors.ts'
import { BlockSet, patterned, sha256 } from './blob.fixture.ts'
import { framedBlocks } from './block-frames.ts'
import { cidText, parseCid } from './cid.ts'
import type { Cid } from './cid.ts'
import { dagVerifier } from './dag-verifier.ts'
import { dagWalk } from './dag-walk.ts'
import type { ByteRange } from './descent.ts'
import { isProviderFault } from './faults.ts'
import { decodeFileNode } from './file-node.ts'
import type { WrittenLink } from './file-node.ts'

/** A blob of any shape: a leaf of so many bytes, or a node over others. */
type Shape = number | readonly Shape[]

const { shape } = fc.letrec<{ shape: Shape }>(tie => ({
  shape: fc.oneof(
    { maxDepth: 5 },
    fc.integer({ min: 1, max: 40 }),
    fc.array(tie('shape'), { minLength: 1, maxLength: 4 })
  )
}))

interface Made {
  readonly blocks: BlockSet
  readonly cid: Cid
  readonly bytes: Uint8Array
}

function made(of: Shape): Made {
  const blocks = new BlockSet()
  const bytes = patterned(lengthOf(of))
  let at = 0
  const build = (part: Shape): WrittenLink =>
    typeof part === 'number' ? blocks.raw(bytes.subarray(at, (at += part))) : blocks.node(part.map(build))
  return { blocks, cid: build(of).cid, bytes }
}

const lengthOf = (of: Shape): number =>
  typeof of === 'number' ? of : of.reduce<number>((sum, part) => sum + lengthOf(part), 0)

async function bodyOf({ blocks, cid }: Made, range: ByteRange, chunkBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of framedBlocks(dagWalk({ cid, ...range, blocks: blocks.get }), chunkBytes))
    chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Pieces of `bytes`, cut at these places. */
function* cutAt(bytes: Uint8Array, places: readonly number[]): Generator<Uint8Array> {
  let from = 0
  for (const to of [...places.map(at => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}

const places = fc.array(fc.nat(2000), { maxLength: 40 })
const part = fc.record({
  offset: fc.double({ min: 0, max: 0.999, noNaN: true }),
  length: fc.integer({ min: 1, max: 300 })
})

describe('a blob of any shape', () => {
  test('proves any range of its bytes, however its blocks are cut on the way', async () => {
    await fc.assert(
      fc.asyncProperty(
        shape,
        part,
        places,
        fc.integer({ min: 4, max: 99 }),
        async (of, where, cuts, chunkBytes) => {
          const blob = made(of)
          const { cid, bytes } = blob
          const range = { offset: Math.floor(where.offset * bytes.length), length: where.length }

          const body = await bodyOf(blob, range, chunkBytes)
          const verifier = dagVerifier({ cid, ...range, sha256 })
          const blocks = [...cutAt(body, cuts)].flatMap(piece => verifier.push(piece))
          verifier.end()

          const plain = Buffer.concat(blocks.flatMap(block => block.plain))
          assert.deepEqual(plain, Buffer.from(bytes.subarray(range.offset, range.offset + range.length)))
          for (const block of blocks)
            assert.deepEqual(Buffer.concat(block.block), Buffer.from(blob.blocks.get(block.cid)!))
        }
      ),
      { numRuns: 150 }
    )
  })

  test('is not proved by any other body, and what comes out before that shows is its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        shape,
        places,
        fc.nat(),
        fc.uint8Array({ maxLength: 60 }),
        async (of, cuts, from, junk) => {
          const blob = made(of)
          const whole = await bodyOf(blob, {}, 1000)
          const at = from % (whole.length + 1)
          const body = Buffer.concat([whole.subarray(0, at), junk, whole.subarray(at + (from % 50))])
          fc.pre(!body.equals(whole))
          const verifier = dagVerifier({ cid: blob.cid, sha256 })
          const plain: Uint8Array[] = []

          assert.throws(() => {
            for (const piece of cutAt(body, cuts))
              plain.push(...verifier.push(piece).flatMap(block => block.plain))
            verifier.end()
          }, isProviderFault)
          plain.push(...verifier.takeProved().flatMap(block => block.plain))

          const proved = Buffer.concat(plain)
          assert.deepEqual(proved, Buffer.from(blob.bytes.subarray(0, proved.length)))
          assert.equal(verifier.offset, proved.length)
        }
      ),
      { numRuns: 150 }
    )
  })
})

describe('hostile bytes only ever throw OapError', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(shape, fc.nat(), fc.nat(255)).map(([of, at, value]) => {
      const [last = new Uint8Array(1)] = made([of]).blocks.all()
      const changed = last.slice()
      changed[at % changed.length] = value
      return changed
    })
  )
  const refusedOr = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      assert.ok(error instanceof OapError, String(error))
    }
  }

  test('a node', () => {
    fc.assert(fc.property(bytes, input => refusedOr(() => decodeFileNode(input))))
  })

  test('a content id in bytes, and in text, where it has one form', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, fc.string(), fc.string({ unit: 'binary' })), input =>
        refusedOr(() => {
          const cid = parseCid(input)
          if (typeof input === 'string') assert.equal(cidText(cid), input)
          else assert.deepEqual(cid.bytes, input)
        })
      )
    )
  })
})
