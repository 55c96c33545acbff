import { cidOf } from '../../protocols/index.ts'
import type { Boarding } from '../../dht/index.ts'
import type { BlobStore, BlockId, BlockPlace } from '../stores/blobs/index.ts'
import type { WantedBlob } from './blob-fetcher.ts'
import type { StoredFetch } from './stored-fetch.ts'

/** Whose the fetched blocks are until the block is sound: no tenant of a capability has such a name. */
export const REPAIRING = 'repairs'

/** In how many blobs a block is looked for at others. */
const MOST_TRIED = 4

export interface RepairsOptions {
  readonly store: () => BlobStore
  readonly fetcher: {
    board(
      wanted: WantedBlob
    ): Pick<Boarding<StoredFetch>, 'leave'> & { readonly fetch: Pick<StoredFetch, 'done'> }
  }
}

/**
 * The bytes of a block that has rotted here, from linked hubs and those whom the DHT names: of a blob that reaches it and that
 * others may know of, the byte that it begins with. Of a private blob nobody is asked. Undefined where it cannot be had.
 */
export async function repaired(
  { store: open, fetcher }: RepairsOptions,
  id: BlockId,
  signal: AbortSignal
): Promise<Uint8Array | undefined> {
  const store = open()
  let tried = 0
  for await (const place of store.roots.reaching(id, { signal })) {
    if (place.class === 'private' || place.length === 0) continue
    if (await fetched({ store: open, fetcher }, place, signal)) return await store.blocks.get(id)
    if (++tried === MOST_TRIED) return undefined
  }
  return undefined
}

/** What comes is written anew, whatever is there; so the block is sound once it has come. */
async function fetched(
  { store: open, fetcher }: RepairsOptions,
  { root, offset }: BlockPlace,
  signal: AbortSignal
): Promise<boolean> {
  const store = open()
  const cid = cidOf(root.codec, root.digest)
  const boarding = fetcher.board({ cid, tenant: REPAIRING, offset, length: 1 })
  const leave = (): void => boarding.leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    await boarding.fetch.done
    return true
  } catch {
    signal.throwIfAborted()
    return false
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
    const upload = await store.beginPut(REPAIRING, { class: 'private', root })
    await upload.abort()
  }
}
