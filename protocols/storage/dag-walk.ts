import { OapError } from '../errors.ts'
import type { Cid } from './cid.ts'
import { Descent } from './descent.ts'
import type { ByteRange, NextBlock } from './descent.ts'
import { contentFault } from './faults.ts'
import { decodeFileNode } from './file-node.ts'
import type { ReadAhead } from './read-ahead.ts'

/** Where blocks come from: a store that checks what it reads. Undefined for a block that it does not have. */
export type BlockSource = (
  cid: Cid,
  options: { readonly signal?: AbortSignal | undefined }
) => Uint8Array | undefined | Promise<Uint8Array | undefined>

export interface DagWalkOptions extends ByteRange {
  readonly cid: Cid
  readonly blocks: BlockSource
  /** How many leaves may be asked for before they are due, half of them in one turn. Default 16. */
  readonly readAhead?: number | undefined
  /** How many bytes of them: what a slow reader costs. Default 1,048,576. */
  readonly readAheadBytes?: number | undefined
  /** What all readers of a node share of that; by default each has its own. */
  readonly room?: ReadAhead | undefined
  readonly signal?: AbortSignal | undefined
}

/** A block on its way out. */
export interface WalkedBlock {
  readonly cid: Cid
  readonly bytes: Uint8Array
  /** Where its first plain byte stands in the blob. */
  readonly offset: number
}

const READ_AHEAD = 16
const READ_AHEAD_BYTES = 1_048_576

/**
 * The blocks of a blob, or those that a range touches and the way to them: depth first, a node before its children, each as
 * often as it occurs. Hashes are the source's business. Throws `not_found` for a block that the source does not have, what
 * is wrong with the blob's form, and `bad_range`.
 */
export async function* dagWalk({
  cid,
  blocks,
  readAhead = READ_AHEAD,
  readAheadBytes = READ_AHEAD_BYTES,
  room,
  signal,
  ...range
}: DagWalkOptions): AsyncGenerator<WalkedBlock, void> {
  const descent = new Descent(cid, range)
  const asked: Asked[] = []
  using place = room?.place(() => {
    const last = asked.findLast(({ bytes }) => bytes !== undefined)
    if (last === undefined) return 0
    last.bytes = undefined
    return last.length
  })
  const take = ({ next, length }: Leaf): Promise<Uint8Array | undefined> | undefined =>
    place?.take(length) === false ? undefined : read(blocks, next, signal)
  for (;;) {
    place?.came()
    const first = asked.shift()
    if (first?.bytes !== undefined) place?.give(first.length)
    const leaf = first ?? nextLeaf(descent)
    const due = leaf?.next ?? descent.next
    if (due === undefined) return
    const coming = first?.bytes ?? read(blocks, due, signal)
    // A leaf says nothing that its parent has not said, so what follows it can be asked for already; first what made way.
    let ahead = leaf?.length ?? 0
    for (const one of asked) {
      one.bytes ??= take(one)
      ahead += one.length
    }
    // Several in one turn, so that the source can read them together.
    const most = asked.length < readAhead / 2 ? readAhead - 1 : 0
    while (
      asked.length < most &&
      asked.every(({ bytes }) => bytes !== undefined) &&
      isLeafAhead(descent.next) &&
      ahead + descent.next.length <= readAheadBytes
    ) {
      const one = nextLeaf(descent)!
      ahead += one.length
      asked.push({ ...one, bytes: take(one) })
    }
    const bytes = await coming
    signal?.throwIfAborted()
    if (bytes === undefined) throw new OapError('not_found', `the block at byte ${due.offset} is not here`)
    if (leaf === undefined) enter(descent, bytes)
    else checkLeaf(due, bytes)
    yield { cid: due.cid, bytes, offset: due.offset }
  }
}

interface Leaf {
  readonly next: NextBlock
  readonly length: number
}

/** A leaf that is not due yet. */
interface Asked extends Leaf {
  /** Undefined where others have the room. */
  bytes: Promise<Uint8Array | undefined> | undefined
}

function read(
  blocks: BlockSource,
  { cid }: NextBlock,
  signal: AbortSignal | undefined
): Promise<Uint8Array | undefined> {
  const bytes = (async () => blocks(cid, { signal }))()
  // Whoever leaves early waits for nothing that was asked for ahead.
  bytes.catch(() => undefined)
  return bytes
}

const isLeafAhead = (next: NextBlock | undefined): next is NextBlock & { readonly length: number } =>
  next?.cid.codec === 'raw' && next.length !== undefined

/** The next block if it is a leaf whose parent has said its length: it is passed. */
function nextLeaf(descent: Descent): Leaf | undefined {
  const { next } = descent
  if (!isLeafAhead(next)) return undefined
  descent.leaf(next.length)
  return { next, length: next.length }
}

function enter(descent: Descent, bytes: Uint8Array): void {
  if (descent.next!.cid.codec === 'raw') descent.leaf(bytes.length)
  else descent.node(decodeFileNode(bytes))
}

function checkLeaf({ length, offset }: NextBlock, bytes: Uint8Array): void {
  if (bytes.length !== length)
    throw contentFault(
      'bad_lengths',
      `the leaf at byte ${offset} has ${bytes.length} bytes, its parent says ${length}`
    )
}
