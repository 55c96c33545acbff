import { unsealJson } from '../mailbox/seal.ts'
import { STORAGE_LIMITS } from '../../../protocols/index.ts'
import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import { nodeLinksOf } from './dag.ts'
import { KIND, hexOf, tenantAndRoot } from './keys.ts'
import type { BlockReader } from './reading.ts'
import type { RootRow } from './records.ts'
import { rowsOf } from './row-walk.ts'
import type { BlockId, BlockPlace } from './types.ts'

/** A stretch of a blob's bytes, and the block that begins it. */
interface Stretch {
  readonly id: BlockId
  readonly offset: number
  readonly length: number
}

/**
 * The roots that reach a block, tenant by tenant, and where in each it is first. Reads every node of every root: only for a
 * block of which something must be known that no row tells.
 */
export async function* reaching(
  { level, reader }: { readonly level: Level; readonly reader: BlockReader },
  { digest }: BlockId,
  signal: AbortSignal | undefined
): AsyncGenerator<BlockPlace> {
  const wanted = hexOf(digest)
  for await (const [key, bytes] of rowsOf(level, KIND.root, { signal })) {
    const row = unsealJson<RootRow>(key, bytes)
    if (row === undefined) continue
    const { tenant, root } = tenantAndRoot(key)
    const at = { id: root, offset: 0, length: row.length }
    const found = await findIn({ reader, wanted, seen: new Set() }, at, 1)
    if (found === undefined) continue
    const { offset, length } = found
    yield { tenant, root, class: row.class, offset, length }
  }
}

interface Search {
  readonly reader: BlockReader
  readonly wanted: string
  /** Nodes below which it is not: one may be named more often than anybody could read. */
  readonly seen: Set<string>
}

async function findIn(search: Search, at: Stretch, level: number): Promise<Stretch | undefined> {
  const { reader, wanted, seen } = search
  const hex = hexOf(at.id.digest)
  if (hex === wanted) return at
  if (at.id.codec === 'raw' || level === STORAGE_LIMITS.levels || seen.has(hex)) return undefined
  seen.add(hex)
  let { offset } = at
  for (const { cid: id, length } of await linksOf(reader, at.id, hex)) {
    const found = await findIn(search, { id, offset, length }, level + 1)
    if (found !== undefined) return found
    offset += length
  }
  return undefined
}

/** None where the node itself has rotted. */
async function linksOf(reader: BlockReader, id: BlockId, hex: string) {
  try {
    const bytes = await reader.get(id)
    return bytes === undefined ? [] : nodeLinksOf(hex, bytes)
  } catch (error) {
    if (error instanceof BlobError && (error.code === 'rotten' || error.code === 'bad_dag')) return []
    throw error
  }
}
