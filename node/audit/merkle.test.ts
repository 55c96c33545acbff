import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  EMPTY_ROOT,
  consistencyProof,
  inclusionProof,
  isConsistent,
  leafHash,
  nodeHash,
  rangeProof,
  rootFromInclusion,
  rootFromRange,
  rootOf
} from '../../federation/index.ts'
import type { NodeReader } from '../../federation/index.ts'
import { TreeEdge } from './tree-edge.ts'

interface Vectors {
  readonly leaves: readonly string[]
  readonly roots: readonly string[]
  readonly inclusion: readonly {
    readonly index: number
    readonly size: number
    readonly proof: readonly string[]
  }[]
  readonly consistency: readonly {
    readonly from: number
    readonly to: number
    readonly proof: readonly string[]
  }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/audit-tree.json', import.meta.url), 'utf8')
) as Vectors
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'hex')

/** Reads nodes straight from the definition. */
const naive =
  (leaves: readonly Uint8Array[]): NodeReader =>
  (level, index) => {
    if (level === 0) return leaves[index]!
    const node = naive(leaves)
    return nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
  }
const numbered = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => leafHash(Buffer.from(`${n}`)))

describe('the published trees of RFC 6962', () => {
  const leaves = vectors.leaves.map(leaf => leafHash(bytesOf(leaf)))

  test('have the published roots, by definition and by growing', () => {
    const edge = new TreeEdge()
    for (const [size, root] of vectors.roots.entries()) {
      assert.equal(hex(rootOf(size, naive(leaves))), root)
      assert.equal(hex(edge.root()), root)
      if (size < leaves.length) edge.append(leaves[size]!)
    }
  })

  for (const { index, size, proof } of vectors.inclusion) {
    test(`leaf ${index} of ${size} has the published path`, () => {
      const made = inclusionProof(index, size, naive(leaves))

      assert.deepEqual(made.map(hex), proof)
      assert.equal(hex(rootFromInclusion(leaves[index]!, index, size, made)!), vectors.roots[size])
    })
  }

  for (const { from, to, proof } of vectors.consistency) {
    test(`the tree of ${to} extends that of ${from} by the published proof`, () => {
      const made = consistencyProof(from, to, naive(leaves))
      const roots = { fromRoot: bytesOf(vectors.roots[from]!), toRoot: bytesOf(vectors.roots[to]!) }

      assert.deepEqual(made.map(hex), proof)
      assert.ok(isConsistent({ from, to, ...roots }, made))
    })
  }
})

test('every leaf, range and earlier tree of every small tree can be proved, and not with one bit changed', () => {
  const leaves = numbered(20)
  const node = naive(leaves)
  for (let size = 1; size <= 20; size++) {
    const root = rootOf(size, node)
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(index, size, node)
      assert.deepEqual(rootFromInclusion(leaves[index]!, index, size, proof), root)
      assert.notDeepEqual(rootFromInclusion(leaves[(index + 1) % 20]!, index, size, proof), root)
      for (let to = index + 1; to <= size; to++) {
        const beside = rangeProof(index, to, size, node)
        assert.deepEqual(
          rootFromRange({ from: index, to, size }, seq => leaves[seq]!, beside),
          root
        )
        assert.equal(
          rootFromRange({ from: index, to, size }, seq => leaves[seq]!, [...beside, root]),
          undefined
        )
        const strange = (seq: number) => (seq === index ? EMPTY_ROOT : leaves[seq]!)
        assert.notDeepEqual(rootFromRange({ from: index, to, size }, strange, beside), root)
      }
    }
    for (let from = 0; from <= size; from++) {
      const proof = consistencyProof(from, size, node)
      const claim = { from, fromRoot: rootOf(from, node), to: size, toRoot: root }
      assert.ok(isConsistent(claim, proof), `${from} ${size}`)
      if (from === 0 || from === size) continue
      assert.ok(!isConsistent({ ...claim, fromRoot: EMPTY_ROOT }, proof))
      assert.ok(!isConsistent({ ...claim, toRoot: EMPTY_ROOT }, proof))
      assert.ok(!isConsistent(claim, proof.slice(1)))
      assert.ok(!isConsistent(claim, [...proof, root]))
      for (const n of proof.keys()) assert.ok(!isConsistent(claim, proof.with(n, EMPTY_ROOT)))
    }
  }
})

test('a growing tree of any size has the root of the definition, also when it is taken up half-way', () => {
  const leaves = numbered(1500)
  const node = naive(leaves)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 1500 }), (a, b) => {
      const [half, size] = a < b ? [a, b] : [b, a]
      const grown = new TreeEdge()
      for (const leaf of leaves.slice(0, half)) grown.append(leaf)
      const resumed = new TreeEdge()
      resumed.resume(half, ({ level }) => grown.row(level))
      for (const leaf of leaves.slice(half, size)) resumed.append(leaf)
      assert.deepEqual(resumed.root(), rootOf(size, node))
      assert.equal(resumed.size, size)
    }),
    { numRuns: 30 }
  )
})

test('a proof of another length or with a short hash proves nothing', () => {
  const leaf = leafHash(Buffer.from('x'))
  const root = nodeHash(leaf, leaf)

  assert.equal(rootFromInclusion(leaf, 0, 2, []), undefined)
  assert.equal(rootFromInclusion(leaf, 0, 2, [leaf, leaf]), undefined)
  assert.equal(rootFromInclusion(leaf, 0, 2, [leaf.subarray(1)]), undefined)
  assert.equal(rootFromInclusion(leaf, 2, 2, [leaf]), undefined)
  assert.equal(
    rootFromInclusion(
      leaf,
      0,
      2,
      Array.from({ length: 65 }, () => leaf)
    ),
    undefined
  )
  assert.ok(!isConsistent({ from: 3, fromRoot: root, to: 2, toRoot: root }, []))
  assert.ok(!isConsistent({ from: 0, fromRoot: root, to: 2, toRoot: root }, []))
  assert.throws(() => inclusionProof(2, 2, () => leaf), RangeError)
  assert.throws(() => consistencyProof(3, 2, () => leaf), RangeError)
  assert.throws(() => rangeProof(1, 1, 2, () => leaf), RangeError)
})
