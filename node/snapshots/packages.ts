import { importBlob } from '../../dht/index.ts'
import { DEFAULT_PROFILE, PROFILES, cidText, parseCid } from '../../protocols/index.ts'
import { HUB_TENANT } from '../capabilities/index.ts'
import type { BlobStore } from '../stores/blobs/index.ts'
import type { Packages } from './own-snapshots.ts'

const profile = PROFILES[DEFAULT_PROFILE]
const CONTENT_TYPE = 'application/json'

/** Packages as blobs of the class `federated`, pinned, of a tenant that is the hub itself. */
export const storedPackages = (store: () => BlobStore): Packages => ({
  async cidOf(bytes) {
    const { cid } = await importBlob([bytes], () => undefined, { profile })
    return cidText(cid)
  },

  async offer(bytes) {
    const { cid } = await importBlob([bytes], () => undefined, { profile })
    const known = await store().roots.stat(HUB_TENANT, cid)
    if (known === undefined) {
      const blob = { class: 'federated', contentType: CONTENT_TYPE, isPinned: true } as const
      await using upload = await store().beginPut(HUB_TENANT, blob)
      const root = await importBlob([bytes], block => upload.write(block.cid, block.bytes), { profile })
      await upload.finish(root.cid, root.length)
    }
    return cidText(cid)
  },

  async withdraw(text) {
    const cid = parseCid(text)
    if (!(await store().roots.unpin(HUB_TENANT, cid))) return
    await store().roots.delete(HUB_TENANT, cid)
  }
})
