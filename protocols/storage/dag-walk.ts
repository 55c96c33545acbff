import { OapError } from '../errors.ts'
import type { Cid } from './cid.ts'
import { Descent } from './descent.ts'
import type { ByteRange, NextBlock } from './descent.ts'
import { contentFault } from './faults.ts'
import { decodeFileNode } from './file-node.ts'

/** Where blocks come from: a store that checks what it reads. Undefined for a block that it does not have. */
export type BlockSource = (
  cid: Cid,
  options: { readonly signal?: AbortSignal | undefined }
) => Uint8Array | undefined | Promise<Uint8Array | undefined>

export interface DagWalkOptions extends ByteRange {
  readonly cid: Cid
  readonly blocks: BlockSource
  /** How many leaves may be asked for before they are due. Default 4. */
  readonly readAhead?: number | undefined
  /** How many bytes of them: what a slow reader costs. Default 262,144. */
  readonly readAheadBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** A block on its way out. */
export interface WalkedBlock {
  readonly cid: Cid
  readonly bytes: Uint8Array
  /** Where its first plain byte stands in the blob. */
  readonly offset: number
}

const READ_AHEAD = 4
const READ_AHEAD_BYTES = 262_144

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
  signal,
  ...range
}: DagWalkOptions): AsyncGenerator<WalkedBlock, void> {
  const descent = new Descent(cid, range)
  const asked: Asked[] = []
  let ahead = 0
  for (;;) {
    // A leaf says nothing that its parent has not said, so what follows it can be asked for already.
    while (
      asked.length < readAhead &&
      isLeafAhead(descent.next) &&
      ahead + descent.next.length <= readAheadBytes
    ) {
      asked.push(ask(blocks, descent.next, signal))
      ahead += descent.next.length
      descent.leaf(descent.next.length)
    }
    const due = asked.shift() ?? (descent.next && ask(blocks, descent.next, signal))
    if (due === undefined) return
    const bytes = await due.bytes
    signal?.throwIfAborted()
    if (bytes === undefined)
      throw new OapError('not_found', `the block at byte ${due.next.offset} is not here`)
    if (due.next === descent.next) enter(descent, bytes)
    else {
      checkLeaf(due.next, bytes)
      ahead -= bytes.length
    }
    yield { cid: due.next.cid, bytes, offset: due.next.offset }
  }
}

interface Asked {
  readonly next: NextBlock
  readonly bytes: Promise<Uint8Array | undefined>
}

function ask(blocks: BlockSource, next: NextBlock, signal: AbortSignal | undefined): Asked {
  const bytes = (async () => blocks(next.cid, { signal }))()
  // Whoever leaves early waits for nothing that was asked for ahead.
  bytes.catch(() => undefined)
  return { next, bytes }
}

const isLeafAhead = (next: NextBlock | undefined): next is NextBlock & { readonly length: number } =>
  next?.cid.codec === 'raw' && next.length !== undefined

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
