import { BlobError } from './blob-error.ts'
import { badDag } from './dag.ts'
import { decodeHold } from './hold-value.ts'
import type { Totals } from './hold-value.ts'
import {
  blockKey,
  expiryKey,
  hexOf,
  holdKey,
  overKey,
  resumeKey,
  rootKey,
  uploadKey,
  usageKey
} from './keys.ts'
import { addUsage, resumeKeyOf, share, sharedKeys, statOf, unshare, usageOf } from './records.ts'
import type { RootRow, UploadRow, UsageRow } from './records.ts'
import type { Rows } from './rows.ts'
import type { BlockId, NewBlob, RootStat } from './types.ts'
import type { Change } from './writer.ts'

export interface Finished {
  readonly upload: string
  readonly tenant: string
  readonly blob: NewBlob
  readonly root: BlockId
  readonly length: number
  readonly nowMs: number
}

/** The root becomes the tenant's, and the upload is over. Everything under it is there. */
export function finishing(finished: Finished, totals: Totals): Change<RootStat> {
  const { upload, tenant, blob, root } = finished
  const hex = hexOf(root.digest)
  const own = holdKey(upload, hex)
  return {
    records: [],
    keys: [
      ...keysOf(finished),
      own,
      uploadKey(upload),
      ...(blob.root === undefined ? [] : [resumeKey(tenant, blob.root)])
    ],
    apply(rows) {
      const held = rows.get(own)
      const uploadRow = rows.json<UploadRow>(uploadKey(upload))
      if (held === undefined || uploadRow === undefined || rows.block(hex) === undefined)
        throw badDag(`${hex} is missing`)
      const stat = giveRoot(rows, finished, totals, uploadRow.bytes)
      const { isHeld } = decodeHold(held)
      // The upload's hold becomes that of the root, unless the tenant has that root already.
      if (isHeld && stat.wasThere) rows.release(hex)
      if (!isHeld && !stat.wasThere) rows.hold(hex)
      rows.del(own)
      endUpload(rows, upload, uploadRow)
      return stat.stat
    }
  }
}

/** As `finishing`, for a blob of one block that nothing was written of before. */
export function finishingAtOnce(finished: Finished, bytes: Uint8Array): Change<RootStat> {
  const { root } = finished
  const hex = hexOf(root.digest)
  return {
    records: [{ digest: root.digest, bytes }],
    keys: keysOf(finished),
    apply(rows, [place]) {
      const { stat, wasThere } = giveRoot(rows, finished, { levels: 1, blocks: 1, bytes: bytes.length }, 0)
      rows.point(hex, root.codec, place!)
      if (!wasThere) rows.hold(hex)
      return stat
    }
  }
}

/** An upload is no more, whose row and that of its root were read; its holds are left, for `Sweeper`. */
export function endUpload(rows: Rows, upload: string, row: UploadRow): void {
  addUsage(rows, row.tenant, { uploading: -row.bytes })
  rows.del(uploadKey(upload))
  const resume = resumeKeyOf(row)
  if (resume !== undefined && isResumedBy(rows, resume, upload)) rows.del(resume)
  rows.put(overKey(upload))
}

/** Whether the next upload of the root goes on with this one. */
export function isResumedBy(rows: Rows, resume: string, upload: string): boolean {
  const value = rows.get(resume)
  return value !== undefined && Buffer.from(value).toString() === upload
}

const keysOf = ({ tenant, root }: Finished): readonly string[] => [
  blockKey(hexOf(root.digest)),
  rootKey(tenant, root),
  usageKey(tenant),
  ...sharedKeys(root)
]

function giveRoot(
  rows: Rows,
  { tenant, blob, root, length, nowMs }: Finished,
  totals: Totals,
  uploadedBytes: number
): { readonly stat: RootStat; readonly wasThere: boolean } {
  const key = rootKey(tenant, root)
  const before = rows.json<RootRow>(key)
  const usage = usageOf(rows, tenant)
  const others = usage.bytes + usage.uploading - uploadedBytes - (before?.storedBytes ?? 0)
  const blobs = usage.blobs + (before === undefined ? 1 : 0)
  checkRoom(tenant, { bytes: others + totals.bytes, blobs }, blob.tenantBytes)
  if (before !== undefined && blob.isYielding === true) return { stat: statOf(key, before), wasThere: true }
  const isPinned = blob.isPinned === true || before?.isPinned === true
  const row: RootRow = {
    class: blob.class,
    length,
    contentType: blob.contentType,
    isPinned,
    storedBytes: totals.bytes,
    blocks: totals.blocks,
    createdAtMs: before?.createdAtMs ?? nowMs,
    expiresAtMs: isPinned ? undefined : blob.expiresAtMs
  }
  rows.putJson(key, row)
  if (before !== undefined) {
    unshare(rows, root, before.class)
    if (before.expiresAtMs !== undefined) rows.del(expiryKey(before.expiresAtMs, tenant, root))
  }
  share(rows, root, row)
  if (row.expiresAtMs !== undefined) rows.put(expiryKey(row.expiresAtMs, tenant, root))
  addUsage(rows, tenant, {
    bytes: totals.bytes - (before?.storedBytes ?? 0),
    blobs: before === undefined ? 1 : 0
  })
  return { stat: statOf(key, row), wasThere: before !== undefined }
}

/** What the rows of a blob take, however short it is. */
const ROWS_BYTES = 512

/** @throws BlobError `tenant_full` */
export function checkRoom(
  tenant: string,
  { bytes, blobs }: Pick<UsageRow, 'bytes' | 'blobs'>,
  tenantBytes = Infinity
): void {
  if (bytes + blobs * ROWS_BYTES <= tenantBytes) return
  throw new BlobError('tenant_full', `tenant ${tenant} may store ${tenantBytes} bytes`)
}
