import { BlobFetch } from '../../dht/index.ts'
import type { BlockShelf, Flying, FetchOptions } from '../../dht/index.ts'
import { OapError, STORAGE_LIMITS } from '../../protocols/index.ts'
import type { Cid, WalkedBlock } from '../../protocols/index.ts'
import { storageFault } from '../handlers/storage-fault.ts'
import type { BlobStore, ReadingLease, Upload } from '../stores/blobs/index.ts'

export interface StoredFetchOptions extends Pick<
  FetchOptions,
  'search' | 'blame' | 'offset' | 'length' | 'room'
> {
  readonly cid: Cid
  readonly store: BlobStore
  /** Whose root it becomes. */
  readonly tenant: string
  /** What the tenant may store. */
  readonly tenantBytes: number
  /** Longer blobs are not fetched. */
  readonly mostBytes: number
  /** Unix ms: until when it is kept. */
  readonly expiresAtMs: number
}

const FULL_MS = 5000
/** Blocks may have so many times the bytes of the longest blob; leaves of 64 bytes are below it. */
const MOST_SURPLUS = 2

/**
 * A blob on its way into the store of a tenant: private, for a while. What came of one that is broken off, or of a range, is
 * kept for the next try.
 */
export class StoredFetch implements Flying {
  readonly fetch: BlobFetch
  /** Resolves once all of it is fetched and, where it is a whole blob, stored for good. */
  readonly done: Promise<void>
  readonly #options: StoredFetchOptions
  readonly #upload: Promise<Upload>
  /** The blob once it is stored: the upload has no blocks then. */
  #stored: Promise<ReadingLease | undefined> | undefined
  #room = 0
  /** Bytes of blocks. */
  #came = 0
  #isLeft = false

  constructor(options: StoredFetchOptions) {
    this.#options = options
    this.#upload = this.#begin()
    this.#upload.catch(() => undefined)
    const { cid, search, blame, offset, length, room } = options
    this.fetch = new BlobFetch({
      cid,
      offset,
      length,
      search,
      blame,
      shelf: this.#shelf(),
      room,
      isRead: true,
      onTotal: bytes => this.#checkRoom(bytes)
    })
    this.done = this.#run()
    this.done.catch(() => undefined)
  }

  /** Plain bytes of the whole blob. @throws what the fetch ended with, in the words of a service */
  async total(): Promise<number> {
    try {
      return await this.fetch.total
    } catch (error) {
      throw storageFault(error)
    }
  }

  /** Resolves once what came of a fetch that has ended is put away; at once where it goes on. */
  async settled(): Promise<void> {
    if (this.fetch.isOver) await this.done.catch(() => undefined)
  }

  blocks(): AsyncGenerator<WalkedBlock, void> {
    return this.fetch.blocks()
  }

  plain(): AsyncGenerator<Uint8Array, void> {
    return this.fetch.plain()
  }

  /** Nobody reads it any more. */
  abort(): void {
    this.#isLeft = true
    this.fetch.abort()
    this.#release()
  }

  #release(): void {
    void this.#stored?.then(
      lease => lease?.release(),
      () => undefined
    )
  }

  async #begin(): Promise<Upload> {
    const { store, tenant, tenantBytes, cid, expiresAtMs } = this.#options
    const { bytes, uploadingBytes } = await store.usage(tenant)
    this.#room = tenantBytes - bytes - uploadingBytes
    return store.beginPut(tenant, {
      class: 'private',
      root: cid,
      tenantBytes,
      expiresAtMs,
      isYielding: true
    })
  }

  async #run(): Promise<void> {
    const { cid, offset = 0, length, store, tenant } = this.#options
    try {
      await this.fetch.done
      const upload = await this.#upload
      if (offset === 0 && length === undefined) {
        const total = await this.fetch.total
        this.#stored = upload.finish(cid, total).then(() => store.open(tenant, cid))
        // Whoever read the last byte may have left before it was stored.
        if (this.#isLeft) this.#release()
        await this.#stored
      } else await upload.suspend()
    } catch (error) {
      const upload = await this.#upload.catch(() => undefined)
      await upload?.suspend().catch(() => undefined)
      throw storageFault(error)
    }
  }

  #shelf(): BlockShelf {
    return {
      has: async cid => (await this.#upload).has(cid),
      get: async cid =>
        this.#stored === undefined ? (await this.#upload).get(cid) : (await this.#stored)?.get(cid),
      write: async (cid, bytes) => {
        this.#came += bytes.length
        this.#checkSurplus()
        await (await this.#upload).write(cid, bytes)
      }
    }
  }

  /** A blob of tiny blocks brings many times its own bytes: what comes is bounded, too. */
  #checkSurplus(): void {
    if (this.#came <= this.#options.mostBytes * MOST_SURPLUS + STORAGE_LIMITS.nodeBytes) return
    throw new OapError('quota_tenant', 'the blocks of the blob are many times its bytes', {
      code: 'storage_full',
      retryAfterMs: FULL_MS
    })
  }

  #checkRoom(bytes: number): void {
    if (bytes > this.#options.mostBytes)
      throw new OapError('quota_tenant', `the blob has ${bytes} bytes, more than are fetched for others`, {
        code: 'storage_full',
        retryAfterMs: FULL_MS
      })
    if (bytes > this.#room)
      throw new OapError('quota_tenant', 'the tenant may not store so much', {
        code: 'storage_full',
        retryAfterMs: FULL_MS
      })
  }
}
