import { importBlob } from '../../dht/index.ts'
import { DEFAULT_PROFILE, PROFILES, cidText, dagWalk, parseCid } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'
import { storageFault } from '../handlers/storage-fault.ts'
import type { BlobStore, ReadingLease } from '../stores/blobs/index.ts'
import type { ArtifactBlobs } from './artifact-shelf.ts'

const profile = PROFILES[DEFAULT_PROFILE]

export interface StoredArtifactsOptions {
  /** Whose blobs these are; it must store nothing else, as what no artifact has any more is deleted. */
  readonly tenant: string
  /** What all artifacts may take; no bound if missing. */
  readonly tenantBytes?: number | undefined
}

/**
 * The bytes of artifacts as pinned blobs of the class `private`, under the content ids that a put without a profile gives.
 * Their methods throw OapError `storage_full`, `disk_full`, `not_ready` and, for what has rotted, `internal`.
 */
export const storedArtifacts = (
  store: () => BlobStore,
  { tenant, tenantBytes }: StoredArtifactsOptions
): ArtifactBlobs => ({
  async put(bytes) {
    try {
      const { cid } = await importBlob([bytes], () => undefined, { profile })
      if ((await store().roots.stat(tenant, cid)) !== undefined) return cidText(cid)
      await using upload = await store().beginPut(tenant, {
        class: 'private',
        isPinned: true,
        expectedBytes: bytes.length,
        tenantBytes
      })
      const root = await importBlob([bytes], block => upload.write(block.cid, block.bytes), { profile })
      await upload.finish(root.cid, root.length)
      return cidText(root.cid)
    } catch (error) {
      throw storageFault(error)
    }
  },

  async open(contentId) {
    const cid = parseCid(contentId)
    try {
      const lease = await store().open(tenant, cid, { classes: [] })
      if (lease === undefined) return undefined
      return { length: lease.length, pieces: plainBytes(lease, cid), [Symbol.dispose]: () => lease.release() }
    } catch (error) {
      throw storageFault(error)
    }
  },

  async release(contentId) {
    const cid = parseCid(contentId)
    if (await store().roots.unpin(tenant, cid)) await store().roots.delete(tenant, cid)
  }
})

async function* plainBytes(lease: ReadingLease, cid: Cid): AsyncGenerator<Uint8Array, void> {
  for await (const block of dagWalk({ cid, offset: 0, blocks: id => lease.get(id) }))
    if (block.cid.codec === 'raw' && block.bytes.length > 0) yield block.bytes
}
