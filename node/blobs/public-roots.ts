import type { Announcer } from '../../dht/index.ts'
import { cidOf } from '../../protocols/index.ts'
import type { BlobStore } from '../stores/blobs/index.ts'

const PAGE = 256

/**
 * Has all public roots of a store announced that are not known to be yet, a page at a time: what was stored while nobody
 * announced anything, or just before the power went.
 */
export async function announceStored(
  { roots }: Pick<BlobStore, 'roots'>,
  announcer: Pick<Announcer, 'add'>,
  signal: AbortSignal
): Promise<number> {
  let count = 0
  for (let page = await roots.listOf('public', { limit: PAGE }); page.length > 0;) {
    signal.throwIfAborted()
    await announcer.add(page.map(({ codec, digest }) => cidOf(codec, digest)))
    count += page.length
    page = page.length < PAGE ? [] : await roots.listOf('public', { after: page.at(-1), limit: PAGE })
  }
  return count
}
