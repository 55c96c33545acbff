import { Descent, decodeFileNode } from '../../protocols/index.ts'
import type { ByteRange, Cid } from '../../protocols/index.ts'
import type { BlockShelf } from './blob-provider.ts'
import type { ByteRanges, Span } from './byte-ranges.ts'

export interface Missing {
  /** Plain bytes of the whole blob; undefined without its root. */
  readonly total: number | undefined
  readonly ranges: ByteRanges
}

/**
 * Which bytes of a range are not here yet: what a broken download goes on with. It looks at each block of the range that
 * has a parent here. Throws what is wrong with the form of the blob, and `bad_range` where the root is here.
 */
export async function missingRanges(
  shelf: Pick<BlockShelf, 'has' | 'get'>,
  cid: Cid,
  { signal, ...range }: ByteRange & { readonly signal?: AbortSignal | undefined } = {}
): Promise<Missing> {
  const descent = new Descent(cid, range)
  const root = await shelf.get(cid)
  if (root === undefined) {
    const { offset = 0, length = Infinity } = range
    return { total: undefined, ranges: [{ from: offset, to: offset + length }] }
  }
  enter(descent, root)
  const missing: Span[] = []
  for (let next = descent.next; next !== undefined; next = descent.next) {
    signal?.throwIfAborted()
    const length = next.length!
    const node = next.cid.codec === 'raw' ? undefined : await shelf.get(next.cid)
    if (node !== undefined) {
      descent.node(decodeFileNode(node))
      continue
    }
    const isHere = next.cid.codec === 'raw' && (await shelf.has(next.cid))
    if (!isHere) add(missing, descent, { from: next.offset, to: next.offset + length })
    descent.leaf(length)
  }
  return { total: descent.totalLength, ranges: missing }
}

function enter(descent: Descent, root: Uint8Array): void {
  if (descent.next!.cid.codec === 'raw') descent.leaf(root.length)
  else descent.node(decodeFileNode(root))
}

function add(missing: Span[], descent: Descent, { from, to }: Span): void {
  const part = { from: Math.max(from, descent.from), to: Math.min(to, descent.to) }
  const last = missing.at(-1)
  if (last?.to === part.from) missing[missing.length - 1] = { from: last.from, to: part.to }
  else missing.push(part)
}
