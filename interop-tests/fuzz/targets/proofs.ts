import assert from 'node:assert/strict'
import { isConsistent, leafHash, rootFromInclusion } from 'omnigate'
import { consistencyProof, inclusionProof, nodeHash, rootOf } from '../../../federation/index.ts'

const HASH_BYTES = 32
const MOST_LEAVES = 40
const HEAD_BYTES = 16

/** Two whole numbers and hashes, read from any bytes. */
function divided(input: Uint8Array) {
  const bytes = Buffer.alloc(Math.max(HEAD_BYTES, input.length))
  bytes.set(input)
  const hashes: Uint8Array[] = []
  for (let at = HEAD_BYTES; at < bytes.length; at += HASH_BYTES)
    hashes.push(Uint8Array.from(bytes.subarray(at, at + HASH_BYTES)))
  return { from: bytes.readDoubleLE(0), to: bytes.readDoubleLE(8), small: bytes, hashes }
}

const leaf = (index: number): Uint8Array => leafHash(Uint8Array.of(index))

const node = (level: number, index: number): Uint8Array =>
  level === 0 ? leaf(index) : nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

/** The hashes with `mask` laid over them. */
const masked = (hashes: readonly Uint8Array[], mask: Uint8Array): Uint8Array[] =>
  hashes.map((hash, n) => hash.map((byte, i) => byte ^ (mask[n * HASH_BYTES + i] ?? 0)))

/** Whatever is asked is answered; in small trees a proof holds as it was made, and as nothing else. */
export function checkProofs(input: Uint8Array): void {
  const { from, to, small, hashes } = divided(input)
  const [one = EMPTY, other = EMPTY] = hashes
  for (const [least, most] of [
    [from, to],
    [Math.floor(from), Math.floor(to)]
  ] as const) {
    rootFromInclusion(one, least, most, hashes)
    isConsistent({ from: least, fromRoot: one, to: most, toRoot: other }, hashes)
  }
  const size = 1 + (small[0]! % MOST_LEAVES)
  checkInclusion(small[1]! % size, size, small.subarray(2))
  checkConsistency(1 + (small[1]! % size), size, small.subarray(2))
}

const EMPTY = new Uint8Array(HASH_BYTES)

function checkInclusion(index: number, size: number, mask: Uint8Array): void {
  const root = Buffer.from(rootOf(size, node))
  const proof = inclusionProof(index, size, node)
  const changed = masked(proof, mask)
  assert.deepEqual(Buffer.from(rootFromInclusion(leaf(index), index, size, proof)!), root)
  const other = rootFromInclusion(leaf(index), index, size, changed)
  assert.equal(root.equals(other!), isSame(proof, changed), 'a changed proof leads to the root')
  assert.equal(rootFromInclusion(leaf(index), index, size, [...proof, root]), undefined)
}

function checkConsistency(from: number, to: number, mask: Uint8Array): void {
  const heads = { from, fromRoot: rootOf(from, node), to, toRoot: rootOf(to, node) }
  const proof = consistencyProof(from, to, node)
  const changed = masked(proof, mask)
  assert.ok(isConsistent(heads, proof), 'a proof of our own does not hold')
  assert.equal(isConsistent(heads, changed), isSame(proof, changed), 'a changed proof holds')
  assert.ok(!isConsistent(heads, [...proof, heads.toRoot]), 'a longer proof holds')
}

const isSame = (some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean =>
  Buffer.concat(some).equals(Buffer.concat(others))
