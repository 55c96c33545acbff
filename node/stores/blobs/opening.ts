import { unsealJson } from '../mailbox/seal.ts'
import type { Level } from '../level.ts'
import { KIND, rangeOf, segmentOf } from './keys.ts'
import type { UploadRow } from './records.ts'
import type { SegmentDisk } from './segment-disk.ts'
import type { SegmentCount } from './segments.ts'

const ROWS_AT_ONCE = 1024

export interface OpeningReport {
  /** Segments that rows tell of, and that are gone or shorter than they were: blocks of them are rotten. */
  readonly damagedSegments: readonly number[]
  /** Uploads that ended with the process and cannot be taken up again. */
  readonly broken: number
  /** Uploads that can. */
  readonly suspended: number
}

export interface Found {
  readonly counts: ReadonlyMap<number, SegmentCount>
  readonly broken: readonly { readonly upload: string; readonly tenant: string }[]
  readonly report: OpeningReport
}

/** What was acknowledged is what rows tell of; what lies behind it in a segment is cut off. */
export async function findSegments(level: Level, disk: SegmentDisk): Promise<Found> {
  const counts = await readCounts(level)
  const sizes = await disk.sizes()
  const damagedSegments: number[] = []
  for (const [segment, { bytes }] of counts) {
    const size = sizes.get(segment) ?? 0
    if (size < bytes) damagedSegments.push(segment)
    else if (size > bytes) await disk.cut(segment, bytes)
  }
  for (const segment of sizes.keys()) if (!counts.has(segment)) await disk.remove(segment)
  const { broken, suspended } = await findUploads(level)
  return { counts, broken, report: { damagedSegments, broken: broken.length, suspended } }
}

export async function readCounts(level: Level): Promise<ReadonlyMap<number, SegmentCount>> {
  const counts = new Map<number, SegmentCount>()
  for (const [key, bytes] of await level.iterator(rangeOf(KIND.segment)).all()) {
    // Of a row that cannot be read nobody knows how much is live: it is kept as it is.
    const count = unsealJson<SegmentCount>(key, bytes) ?? { bytes: 0, live: Number.MAX_SAFE_INTEGER }
    counts.set(segmentOf(key), count)
  }
  return counts
}

async function findUploads(level: Level): Promise<Pick<Found, 'broken'> & { readonly suspended: number }> {
  const broken: { readonly upload: string; readonly tenant: string }[] = []
  let suspended = 0
  for (let after = ''; ;) {
    const found = await level.iterator({ ...rangeOf(KIND.upload, '', after), limit: ROWS_AT_ONCE }).all()
    for (const [key, bytes] of found) {
      const row = unsealJson<UploadRow>(key, bytes)
      if (row?.root === undefined) broken.push({ upload: key.slice(1), tenant: row?.tenant ?? '' })
      else suspended++
    }
    if (found.length < ROWS_AT_ONCE) return { broken, suspended }
    after = found.at(-1)![0].slice(1)
  }
}
