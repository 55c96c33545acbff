import {
  OapError,
  PROFILES,
  STORAGE_LIMITS,
  cidOf,
  cidText,
  DEFAULT_PROFILE,
  parseCid,
  storageService
} from '../../protocols/index.ts'
import type { BlobRow, Call, Cid, Handlers, Profile, Provider, Service } from '../../protocols/index.ts'
import type { BlobStore, NewBlob, RootStat, SharedClass } from '../stores/blobs/index.ts'
import { blobBody, rangeWithin } from './storage-answer.ts'
import type { BodyParts } from './storage-answer.ts'
import { storageFault } from './storage-fault.ts'

type StorageOperations = (typeof storageService)['operations']

const NIL_TENANT = '00000000-0000-0000-0000-000000000000'

/** Writes the blocks of what comes in, and yields their root. */
export type Importing = (
  source: AsyncIterable<Uint8Array>,
  sink: (block: { readonly cid: Cid; readonly bytes: Uint8Array }) => Promise<void>,
  options: { readonly profile: Profile; readonly signal: AbortSignal }
) => Promise<{ readonly cid: Cid; readonly length: number }>

/** Who has a blob; `isOurs` is whether what this node knows itself may be told. */
export type FindProviders = (
  cid: Cid,
  options: { readonly isOurs: boolean; readonly most: number; readonly signal: AbortSignal }
) => Promise<readonly Provider[]>

export interface StorageServiceOptions extends BodyParts {
  /** The store that is open now. @throws OapError `not_ready` where none is. */
  readonly store: () => BlobStore
  /** Whose roots the call is about; undefined for a caller who has none. */
  readonly tenantOf: (call: Call) => string | undefined
  /** What a tenant may store, in bytes. */
  readonly tenantBytes: (tenant: string) => number
  readonly importBlob: Importing
  readonly findProviders: FindProviders
  /** Unix milliseconds. */
  readonly now: () => number
}

/** The tenant of a peer's call: its capability's and, where the verb needs none, nobody's. A linked hub has none here. */
export const blobTenantOfPeer = ({ capability, granted }: Call): string | undefined =>
  capability?.tenant ?? (granted === undefined ? NIL_TENANT : undefined)

/** Blobs as a service. @see specs/storage.md, section 3 */
export function storageOver(options: StorageServiceOptions): Service<StorageOperations> {
  const { store, tenantBytes, importBlob, findProviders, now } = options
  const own = (call: Call): string => {
    const tenant = options.tenantOf(call)
    if (tenant !== undefined) return tenant
    throw new OapError('cap_denied', 'a linked hub has no blobs of its own here', { reason: 'content' })
  }
  // What the caller may not see is not looked up, so that the time tells nothing of it.
  const readable = (call: Call, cid: Cid): Promise<boolean> =>
    store().roots.canOpen(options.tenantOf(call), cid, { classes: classesOf(call) })
  const expiry = (ttlS: number | undefined): number | undefined =>
    ttlS === undefined ? undefined : now() + ttlS * 1000

  const handlers: Handlers<StorageOperations> = {
    get: async ({ cid: text, offset, length, form = 'dag' }, call) => {
      const cid = parseCid(text)
      const lease = await store().open(options.tenantOf(call), cid, { classes: classesOf(call) })
      if (lease === undefined) throw absent()
      try {
        const range = rangeWithin(lease.length, offset, length)
        const { contentType: content_type } = lease
        return {
          status: range.length < lease.length ? 206 : 0,
          head: {
            cid: text,
            ...range,
            total_len: lease.length,
            ...(content_type !== undefined && { content_type })
          },
          ...blobBody(lease, { cid, form, ...range }, call, options)
        }
      } catch (error) {
        lease.release()
        throw error
      }
    },

    has: async ({ cids }, call) => {
      const body = new Uint8Array(Math.ceil(cids.length / 8))
      for (let at = 0; at < cids.length; at += AT_ONCE) {
        const some = cids.slice(at, at + AT_ONCE)
        const found = await Promise.all(some.map(text => readable(call, parseCid(text))))
        found.forEach((isThere, n) => isThere && (body[(at + n) >> 3]! |= 1 << ((at + n) & 7)))
      }
      return { body }
    },

    put: async (request, call) => {
      const tenant = own(call)
      const { profile = DEFAULT_PROFILE, content_type: contentType, ttl_s, pin = false } = request
      const blob: NewBlob = {
        class: request.class ?? 'private',
        contentType,
        isPinned: pin,
        expiresAtMs: pin ? undefined : expiry(ttl_s),
        tenantBytes: tenantBytes(tenant)
      }
      await using upload = await store().beginPut(tenant, blob)
      const root = await importBlob(call.body, ({ cid, bytes }) => upload.write(cid, bytes), {
        profile: PROFILES[profile],
        signal: call.signal
      })
      const cid = cidText(root.cid)
      if (request.cid !== undefined && request.cid !== cid)
        throw new OapError('conflict', `cid: the blob is ${cid}`, { code: 'bad_digest' })
      const isThere = (await store().roots.stat(tenant, root.cid)) !== undefined
      await upload.finish(root.cid, root.length)
      return { cid, len: root.length, ...(isThere && { duplicate: true }) }
    },

    delete: async ({ cid }, call) => {
      const outcome = await store().roots.delete(own(call), parseCid(cid))
      if (outcome === 'absent') throw absent()
      if (outcome === 'pinned')
        throw new OapError('conflict', 'the blob is pinned; unpin it first', { code: 'blob_pinned' })
      return { cid }
    },

    pin: async ({ cid }, call) => {
      if (!(await store().roots.pin(own(call), parseCid(cid)))) throw absent()
      return { cid, pinned: true }
    },

    unpin: async ({ cid, ttl_s }, call) => {
      const expiresAtMs = expiry(ttl_s)
      if (!(await store().roots.unpin(own(call), parseCid(cid), { expiresAtMs }))) throw absent()
      return { cid, pinned: false, ...(expiresAtMs !== undefined && { expires_at: expiresAtMs }) }
    },

    list: async ({ after, max = STORAGE_LIMITS.listBlobsDefault }, call) => {
      const from = after === undefined ? undefined : parseCid(after)
      // One more tells whether a page follows.
      const found = await store().roots.list(own(call), { after: from, limit: max + 1 })
      const blobs = found.slice(0, max).map(rowOf)
      return { blobs, ...(found.length > max && { next: blobs.at(-1)!.cid }) }
    },

    providers: async ({ cid: text, max: most = STORAGE_LIMITS.providers }, call) => {
      const cid = parseCid(text)
      const isOurs = await readable(call, cid)
      return { providers: await findProviders(cid, { isOurs, most, signal: call.signal }) }
    },

    stat: async ({ cid }, call) => {
      const tenant = own(call)
      const stat = cid === undefined ? undefined : await store().roots.stat(tenant, parseCid(cid))
      if (cid !== undefined && stat === undefined) throw absent()
      const { blobs, bytes, uploadingBytes } = await store().usage(tenant)
      return {
        ...(stat !== undefined && { blob: rowOf(stat) }),
        blobs,
        bytes: bytes + uploadingBytes,
        bytes_most: tenantBytes(tenant)
      }
    }
  }
  return { table: storageService, handlers: told(handlers) }
}

/** How many content ids of one call are looked up at a time. */
const AT_ONCE = 64

/** What others stored that the caller may read. */
const classesOf = ({ granted }: Call): readonly SharedClass[] =>
  granted?.classes?.includes('federated') === true ? ['public', 'federated'] : ['public']

/** The same words whether it is not there or not to be seen. */
const absent = (): OapError => new OapError('not_found')

function rowOf({ root, ...stat }: RootStat): BlobRow {
  return {
    cid: cidText(cidOf(root.codec, root.digest)),
    len: stat.length,
    stored_bytes: stat.storedBytes,
    class: stat.class,
    ...(stat.contentType !== undefined && { content_type: stat.contentType }),
    pinned: stat.isPinned,
    stored_at: stat.createdAtMs,
    ...(stat.expiresAtMs !== undefined && { expires_at: stat.expiresAtMs })
  }
}

/** Handlers whose errors are those that a peer is told. */
function told<H extends Handlers<StorageOperations>>(handlers: H): H {
  const wrapped = Object.entries(handlers).map(([op, handler]) => [
    op,
    async (request: never, call: Call) => {
      try {
        return await (handler as (request: never, call: Call) => unknown)(request, call)
      } catch (error) {
        throw storageFault(error)
      }
    }
  ])
  return Object.fromEntries(wrapped) as H
}
