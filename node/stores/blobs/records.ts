import { unsealJson } from '../mailbox/seal.ts'
import type { Level } from '../level.ts'
import { resumeKey, rootOf, sharedKey, tenantAndRoot, usageKey } from './keys.ts'
import type { Rows } from './rows.ts'
import { BLOB_CLASSES } from './types.ts'
import type { BlobClass, BlockId, RootStat, SharedClass } from './types.ts'

/** A root of a tenant, as its row has it. */
export interface RootRow {
  readonly class: BlobClass
  readonly length: number
  readonly contentType?: string | undefined
  readonly isPinned: boolean
  readonly storedBytes: number
  readonly blocks: number
  readonly createdAtMs: number
  readonly expiresAtMs?: number | undefined
}

export function statOf(key: string, row: RootRow): RootStat {
  const { contentType, expiresAtMs, ...rest } = row
  return { ...tenantAndRoot(key), ...rest, contentType, expiresAtMs }
}

/** What everybody may know of a root of that class. */
export interface SharedRow {
  /** Tenants that have it so. */
  readonly tenants: number
  readonly length: number
  readonly contentType?: string | undefined
}

export interface UsageRow {
  readonly bytes: number
  readonly blobs: number
  readonly uploading: number
}

export interface UploadRow {
  readonly tenant: string
  /** As `rootText`; without it the upload ends with the process. */
  readonly root?: string | undefined
  readonly bytes: number
  readonly touchedAtMs: number
}

export const NO_USAGE: UsageRow = { bytes: 0, blobs: 0, uploading: 0 }
const SHARED = BLOB_CLASSES.filter(blobClass => blobClass !== 'private')

export const isShared = (blobClass: BlobClass): blobClass is SharedClass => blobClass !== 'private'

export const usageOf = (rows: Rows, tenant: string): UsageRow =>
  rows.json<UsageRow>(usageKey(tenant)) ?? NO_USAGE

export async function readUsage(level: Level, tenant: string): Promise<UsageRow> {
  const key = usageKey(tenant)
  return unsealJson<UsageRow>(key, await level.get(key)) ?? NO_USAGE
}

export function addUsage(rows: Rows, tenant: string, by: Partial<UsageRow>): void {
  const { bytes, blobs, uploading } = usageOf(rows, tenant)
  const after: UsageRow = {
    bytes: Math.max(0, bytes + (by.bytes ?? 0)),
    blobs: Math.max(0, blobs + (by.blobs ?? 0)),
    uploading: Math.max(0, uploading + (by.uploading ?? 0))
  }
  const key = usageKey(tenant)
  if (after.bytes + after.blobs + after.uploading === 0) rows.del(key)
  else rows.putJson(key, after)
}

/** The keys that `share` and `unshare` look at. */
export const sharedKeys = (root: BlockId): readonly string[] =>
  SHARED.map(blobClass => sharedKey(blobClass, root))

/** One more tenant has a root of that class. */
export function share(rows: Rows, root: BlockId, { class: blobClass, length, contentType }: RootRow): void {
  if (!isShared(blobClass)) return
  const key = sharedKey(blobClass, root)
  const tenants = (rows.json<SharedRow>(key)?.tenants ?? 0) + 1
  rows.putJson(key, { tenants, length, contentType } satisfies SharedRow)
}

/** One tenant less has it so. */
export function unshare(rows: Rows, root: BlockId, blobClass: BlobClass): void {
  if (!isShared(blobClass)) return
  const key = sharedKey(blobClass, root)
  const found = rows.json<SharedRow>(key)
  if (found === undefined || found.tenants <= 1) rows.del(key)
  else rows.putJson(key, { ...found, tenants: found.tenants - 1 } satisfies SharedRow)
}

/** The row of what goes on with a root, of an upload that has one. */
export const resumeKeyOf = ({ tenant, root }: UploadRow): string | undefined =>
  root === undefined ? undefined : resumeKey(tenant, rootOf(root))
