import { Descent, decodeFileNode } from '../../protocols/index.ts'
import type { ByteRange, Cid } from '../../protocols/index.ts'
import type { BlockShelf } from './blob-provider.ts'
import type { ByteRanges, Span } from './byte-ranges.ts'

export interface Missing {
  /** Plain bytes of the whole blob; undefined without its root. */
  readonly total: number | undefined
  readonly ranges: ByteRanges
}

/** So many blocks are looked at, and one more for so many bytes: leaves of 4 KiB are all looked at. */
const MOST_LOOKS = 65_536
const BYTES_A_LOOK = 4096
/** More ranges are one: it is cheaper to fetch what is between them again. */
const MOST_RANGES = 4096

/**
 * Which bytes of a range are not here yet: what a broken download goes on with. It looks at each block of the range that
 * has a parent here, as often as it is named; a blob of tiny or repeated blocks is looked at in part, and what is behind
 * that counts as missing. Throws what is wrong with the form of the blob, and `bad_range` where the root is here.
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
  let looks = MOST_LOOKS + (descent.totalLength ?? 0) / BYTES_A_LOOK
  for (let next = descent.next; next !== undefined; next = descent.next) {
    signal?.throwIfAborted()
    const length = next.length!
    if (looks-- < 1) {
      add(missing, descent, { from: next.offset, to: descent.to })
      break
    }
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
  if (last !== undefined && (last.to === part.from || missing.length === MOST_RANGES))
    missing[missing.length - 1] = { from: last.from, to: part.to }
  else missing.push(part)
}
