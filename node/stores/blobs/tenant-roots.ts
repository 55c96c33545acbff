import { unsealJson } from '../mailbox/seal.ts'
import type { Level } from '../level.ts'
import {
  KIND,
  blockKey,
  checkTenant,
  expiryKey,
  hexOf,
  lastHex,
  rangeOf,
  rootKey,
  rootOf,
  rootText,
  rootsOf,
  sharedKey,
  usageKey
} from './keys.ts'
import { reaching } from './reaching.ts'
import type { BlockReader } from './reading.ts'
import { addUsage, isShared, sharedKeys, statOf, unshare } from './records.ts'
import type { RootRow, SharedRow, UploadRow } from './records.ts'
import type { Rows } from './rows.ts'
import type { BlockId, BlockPlace, PartialBlob, RootStat, Roots, SharedClass } from './types.ts'
import type { Writer } from './writer.ts'

const MOST_LISTED = 1024
export const PUBLIC: readonly SharedClass[] = ['public']
const LEVELS = 8
/** How many parents of a block are looked at, in all. */
const MOST_PARENTS = 256

interface Page {
  readonly after?: BlockId | undefined
  readonly limit?: number
}

/** The roots of all tenants, in rows of the store. */
export class TenantRoots implements Roots {
  readonly #level: Level
  readonly #reader: BlockReader
  readonly #writer: Writer

  constructor(level: Level, reader: BlockReader, writer: Writer) {
    this.#level = level
    this.#reader = reader
    this.#writer = writer
  }

  async list(tenant: string, { after, limit = MOST_LISTED }: Page = {}): Promise<readonly RootStat[]> {
    const range = rootsOf(checkTenant(tenant), after)
    const found = await this.#level.iterator({ ...range, limit: checkLimit(limit) }).all()
    return found.flatMap(([key, bytes]) => {
      const row = unsealJson<RootRow>(key, bytes)
      return row === undefined ? [] : [statOf(key, row)]
    })
  }

  async listOf(
    blobClass: SharedClass,
    { after, limit = MOST_LISTED }: Page = {}
  ): Promise<readonly BlockId[]> {
    const range = rangeOf(KIND.shared, blobClass[0]!, after === undefined ? '' : rootText(after))
    const keys = await this.#level.keys({ ...range, limit: checkLimit(limit) }).all()
    return keys.map(key => rootOf(key.slice(2)))
  }

  async stat(tenant: string, root: BlockId): Promise<RootStat | undefined> {
    const key = rootKey(checkTenant(tenant), root)
    const row = unsealJson<RootRow>(key, await this.#level.get(key))
    return row === undefined ? undefined : statOf(key, row)
  }

  delete(tenant: string, root: BlockId): Promise<'deleted' | 'absent' | 'pinned'> {
    return this.#change(tenant, root, (rows, row) => {
      if (row?.isPinned === true) return 'pinned'
      return takeRoot(rows, tenant, root) ? 'deleted' : 'absent'
    })
  }

  pin(tenant: string, root: BlockId): Promise<boolean> {
    return this.#pinned(tenant, root, true, undefined)
  }

  unpin(
    tenant: string,
    root: BlockId,
    { expiresAtMs }: { readonly expiresAtMs?: number | undefined } = {}
  ): Promise<boolean> {
    return this.#pinned(tenant, root, false, expiresAtMs)
  }

  async canOpen(
    tenant: string | undefined,
    root: BlockId,
    { classes = PUBLIC }: { readonly classes?: readonly SharedClass[] } = {}
  ): Promise<boolean> {
    return (await this.readable(tenant, root, classes)) !== undefined
  }

  async classOf(root: BlockId): Promise<SharedClass | undefined> {
    const found = await this.#shared(root)
    return found?.class
  }

  async isPublicBlock(id: BlockId): Promise<boolean> {
    let looked = 0
    const reaches = async (hex: string, level: number): Promise<boolean> => {
      const roots = (['raw', 'dag-pb'] as const).map(codec => ({ codec, digest: id.digest }))
      const ids = level === 1 ? roots : [rootOf(`${hex}d`)]
      const rows = await this.#level.getMany(ids.map(root => sharedKey('public', root)))
      if (rows.some(row => row !== undefined)) return true
      if (level === LEVELS) return false
      const limit = MOST_PARENTS - looked
      if (limit <= 0) return false
      const parents = await this.#level.keys({ ...rangeOf(KIND.parent, hex), limit }).all()
      looked += parents.length
      for (const parent of parents) if (await reaches(lastHex(parent), level + 1)) return true
      return false
    }
    return await reaches(hexOf(id.digest), 1)
  }

  reaching(
    id: BlockId,
    { signal }: { readonly signal?: AbortSignal | undefined } = {}
  ): AsyncIterable<BlockPlace> {
    return reaching({ level: this.#level, reader: this.#reader }, id, signal)
  }

  async partials(
    tenant: string,
    { limit = MOST_LISTED }: { readonly limit?: number } = {}
  ): Promise<readonly PartialBlob[]> {
    const range = rangeOf(KIND.resume, `${checkTenant(tenant)}\0`)
    const found = await this.#level.iterator({ ...range, limit: checkLimit(limit) }).all()
    const uploads = found.map(([, value]) => KIND.upload + Buffer.from(value).toString())
    const rows = await this.#level.getMany(uploads)
    return uploads.flatMap((key, i) => {
      const row = unsealJson<UploadRow>(key, rows[i])
      if (row?.root === undefined) return []
      const { bytes, touchedAtMs } = row
      return [{ tenant, root: rootOf(row.root), bytes, touchedAtMs }]
    })
  }

  /** The tenant's root, or what those of the given classes know of it; looks at no other rows. */
  async readable(
    tenant: string | undefined,
    root: BlockId,
    classes: readonly SharedClass[]
  ): Promise<Pick<RootStat, 'class' | 'length' | 'contentType'> | undefined> {
    if (tenant === undefined) return await this.#shared(root, classes)
    const key = rootKey(checkTenant(tenant), root)
    const [own, shared] = await Promise.all([this.#level.get(key), this.#shared(root, classes)])
    const row = unsealJson<RootRow>(key, own)
    if (row === undefined) return shared
    return { class: row.class, length: row.length, contentType: row.contentType }
  }

  async #shared(root: BlockId, classes: readonly SharedClass[] = ['public', 'federated']) {
    const keys = classes.map(blobClass => sharedKey(blobClass, root))
    const values = await this.#level.getMany(keys)
    for (const [i, key] of keys.entries()) {
      const row = unsealJson<SharedRow>(key, values[i])
      if (row !== undefined) return { class: classes[i]!, length: row.length, contentType: row.contentType }
    }
    return undefined
  }

  #pinned(
    tenant: string,
    root: BlockId,
    isPinned: boolean,
    expiresAtMs: number | undefined
  ): Promise<boolean> {
    return this.#change(tenant, root, (rows, row) => {
      if (row === undefined) return false
      const key = rootKey(tenant, root)
      rows.putJson(key, { ...row, isPinned, expiresAtMs } satisfies RootRow)
      if (row.expiresAtMs !== undefined) rows.del(expiryKey(row.expiresAtMs, tenant, root))
      if (expiresAtMs !== undefined) rows.put(expiryKey(expiresAtMs, tenant, root))
      return true
    })
  }

  #change<T>(tenant: string, root: BlockId, apply: (rows: Rows, row: RootRow | undefined) => T): Promise<T> {
    const key = rootKey(checkTenant(tenant), root)
    return this.#writer.commit({
      records: [],
      keys: keysOfRoot(tenant, root),
      apply: rows => apply(rows, rows.json<RootRow>(key))
    })
  }
}

/** What `takeRoot` looks at. */
export const keysOfRoot = (tenant: string, root: BlockId): readonly string[] => [
  rootKey(tenant, root),
  usageKey(tenant),
  blockKey(hexOf(root.digest)),
  ...sharedKeys(root)
]

/** The tenant has the root no more; whether it had. */
export function takeRoot(rows: Rows, tenant: string, root: BlockId): boolean {
  const key = rootKey(tenant, root)
  const row = rows.json<RootRow>(key)
  if (row === undefined) return false
  rows.del(key)
  if (row.expiresAtMs !== undefined) rows.del(expiryKey(row.expiresAtMs, tenant, root))
  if (isShared(row.class)) unshare(rows, root, row.class)
  addUsage(rows, tenant, { bytes: -row.storedBytes, blobs: -1 })
  rows.release(hexOf(root.digest))
  return true
}

function checkLimit(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED)
    throw new RangeError(`a limit is 1 to ${MOST_LISTED}`)
  return limit
}
