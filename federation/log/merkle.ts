import { hash as digest } from 'node:crypto'

export const HASH_BYTES = 32
/** More than any tree of at most 2^53 leaves needs. */
export const MAX_PROOF_HASHES = 64

const LEAF = 0x00
const NODE = 0x01
const LEAF_SCRATCH_BYTES = 32 * 1024

/** The hash of a complete subtree: its 2^`level` leaves begin at leaf `index` * 2^`level`. */
export type NodeReader = (level: number, index: number) => Uint8Array

const leafScratch = Buffer.alloc(1 + LEAF_SCRATCH_BYTES, LEAF)
const nodeScratch = Buffer.alloc(1 + 2 * HASH_BYTES, NODE)

/** The root of a tree without leaves. */
export const EMPTY_ROOT: Uint8Array = sha256(Buffer.alloc(0))

// By way of text, which takes its bytes from Node's pool: proofs hash so often that garbage would be most of their time.
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(digest('sha256', bytes, 'binary'), 'latin1')
}

/** RFC 6962: SHA-256 of 0x00 and the leaf. */
export function leafHash(leaf: Uint8Array): Buffer {
  if (leaf.length > LEAF_SCRATCH_BYTES) return sha256(Buffer.concat([Buffer.of(LEAF), leaf]))
  leafScratch.set(leaf, 1)
  return sha256(leafScratch.subarray(0, 1 + leaf.length))
}

/** RFC 6962: SHA-256 of 0x01 and both children. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeScratch.set(left, 1)
  nodeScratch.set(right, 1 + HASH_BYTES)
  return sha256(nodeScratch)
}

/** The root over a row of complete subtrees, a power of two of them. */
export function rowRoot(row: Uint8Array): Buffer {
  const fold = Buffer.from(row)
  for (let width = row.length / HASH_BYTES; width > 1; width /= 2) {
    for (let at = 0; at < width / 2; at++) {
      fold.copy(nodeScratch, 1, 2 * at * HASH_BYTES, 2 * (at + 1) * HASH_BYTES)
      fold.write(digest('sha256', nodeScratch, 'binary'), at * HASH_BYTES, 'latin1')
    }
  }
  return Buffer.from(fold.subarray(0, HASH_BYTES))
}

/** The root of the first `size` leaves. */
export function rootOf(size: number, node: NodeReader): Uint8Array {
  return size === 0 ? EMPTY_ROOT : subtreeRoot(0, size, node)
}

/** RFC 6962 PATH(index, D[size]). @throws RangeError unless 0 <= index < size. */
export function inclusionProof(index: number, size: number, node: NodeReader): Uint8Array[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`leaf ${index} is not in a tree of ${size}`)
  return path(index, 0, size, node)
}

/** RFC 6962 PROOF(from, D[to]); none for from = 0 or from = to. @throws RangeError unless 0 <= from <= to. */
export function consistencyProof(from: number, to: number, node: NodeReader): Uint8Array[] {
  if (!(from >= 0 && from <= to)) throw new RangeError(`a tree of ${to} does not extend one of ${from}`)
  return from === 0 ? [] : extension(from, 0, to, true, node)
}

/** The root that a leaf and its inclusion proof lead to; undefined when the proof has not the length it must have. */
export function rootFromInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[]
): Uint8Array | undefined {
  if (!(index >= 0 && index < size) || !isProof(proof)) return undefined
  return climb(leaf, index, 0, size, proof)
}

/** Whether a tree of `to` leaves with root `toRoot` begins with the tree of `from` leaves with root `fromRoot`. */
export function isConsistent(
  {
    from,
    fromRoot,
    to,
    toRoot
  }: Readonly<Record<'from' | 'to', number>> & Readonly<Record<'fromRoot' | 'toRoot', Uint8Array>>,
  proof: readonly Uint8Array[]
): boolean {
  if (!(from >= 0 && from <= to) || !isProof(proof)) return false
  if (from === 0)
    return (
      proof.length === 0 && isSameHash(fromRoot, EMPTY_ROOT) && (to > 0 || isSameHash(toRoot, EMPTY_ROOT))
    )
  const roots = replay(from, 0, to, true, proof, fromRoot)
  return roots !== undefined && isSameHash(roots[0], fromRoot) && isSameHash(roots[1], toRoot)
}

/** The hashes beside the leaves `from` to `to`, left to right: with these leaves they give the root of `size`. */
export function rangeProof(from: number, to: number, size: number, node: NodeReader): Uint8Array[] {
  if (!(from >= 0 && from < to && to <= size)) {
    throw new RangeError(`leaves ${from} to ${to} are not in a tree of ${size}`)
  }
  return beside(from, to, 0, size, node)
}

/** The root that leaf hashes `from` to `to` and the hashes beside them lead to; undefined when these are too few or many. */
export function rootFromRange(
  range: { readonly from: number; readonly to: number; readonly size: number },
  leaf: (seq: number) => Uint8Array,
  proof: readonly Uint8Array[]
): Uint8Array | undefined {
  const { from, to, size } = range
  if (!(from >= 0 && from < to && to <= size) || proof.length > 2 * MAX_PROOF_HASHES) return undefined
  let taken = 0
  const fold = (lo: number, hi: number): Uint8Array => {
    if (hi <= from || lo >= to) return proof[taken++] ?? EMPTY_ROOT
    if (hi - lo === 1) return leaf(lo)
    const middle = lo + split(hi - lo)
    const left = fold(lo, middle)
    return nodeHash(left, fold(middle, hi))
  }
  const root = fold(0, size)
  return taken === proof.length ? root : undefined
}

export function isSameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

const isProof = (proof: readonly Uint8Array[]): boolean =>
  proof.length <= MAX_PROOF_HASHES && proof.every(({ length }) => length === HASH_BYTES)

/** The largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

function subtreeRoot(lo: number, hi: number, node: NodeReader): Uint8Array {
  const size = hi - lo
  const level = Math.log2(size)
  if (Number.isInteger(level) && 2 ** level === size) return node(level, lo / size)
  const middle = lo + split(size)
  return nodeHash(subtreeRoot(lo, middle, node), subtreeRoot(middle, hi, node))
}

function path(index: number, lo: number, hi: number, node: NodeReader): Uint8Array[] {
  if (hi - lo === 1) return []
  const middle = lo + split(hi - lo)
  return index < middle
    ? [...path(index, lo, middle, node), subtreeRoot(middle, hi, node)]
    : [...path(index, middle, hi, node), subtreeRoot(lo, middle, node)]
}

function climb(
  leaf: Uint8Array,
  index: number,
  lo: number,
  hi: number,
  proof: readonly Uint8Array[]
): Uint8Array | undefined {
  const last = proof.at(-1)
  if (hi - lo === 1) return last === undefined ? leaf : undefined
  if (last === undefined) return undefined
  const middle = lo + split(hi - lo)
  const rest = proof.slice(0, -1)
  if (index < middle) {
    const left = climb(leaf, index, lo, middle, rest)
    return left && nodeHash(left, last)
  }
  const right = climb(leaf, index, middle, hi, rest)
  return right && nodeHash(last, right)
}

function extension(size: number, lo: number, hi: number, isWhole: boolean, node: NodeReader): Uint8Array[] {
  if (size === hi) return isWhole ? [] : [subtreeRoot(lo, hi, node)]
  const middle = lo + split(hi - lo)
  return size <= middle
    ? [...extension(size, lo, middle, isWhole, node), subtreeRoot(middle, hi, node)]
    : [...extension(size, middle, hi, false, node), subtreeRoot(lo, middle, node)]
}

/** The roots of the old and of the new tree, as the proof tells them. */
function replay(
  size: number,
  lo: number,
  hi: number,
  isWhole: boolean,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array
): readonly [Uint8Array, Uint8Array] | undefined {
  const last = proof.at(-1)
  if (size === hi) {
    if (isWhole) return last === undefined ? [oldRoot, oldRoot] : undefined
    return last !== undefined && proof.length === 1 ? [last, last] : undefined
  }
  if (last === undefined) return undefined
  const middle = lo + split(hi - lo)
  const rest = proof.slice(0, -1)
  if (size <= middle) {
    const roots = replay(size, lo, middle, isWhole, rest, oldRoot)
    return roots && [roots[0], nodeHash(roots[1], last)]
  }
  const roots = replay(size, middle, hi, false, rest, oldRoot)
  return roots && [nodeHash(last, roots[0]), nodeHash(last, roots[1])]
}

function beside(from: number, to: number, lo: number, hi: number, node: NodeReader): Uint8Array[] {
  if (hi <= from || lo >= to) return [subtreeRoot(lo, hi, node)]
  if (from <= lo && hi <= to) return []
  const middle = lo + split(hi - lo)
  return [...beside(from, to, lo, middle, node), ...beside(from, to, middle, hi, node)]
}
