import { unsealJson } from '../mailbox/seal.ts'
import type { CollectParts } from './collect.ts'
import { KIND, rangeOf, rootOf } from './keys.ts'
import type { UploadRow } from './records.ts'
import { aborting } from './upload.ts'

const ROWS_AT_ONCE = 256

export interface SuspendedUploads {
  readonly isOpen: (upload: string) => boolean
  /** Gets those that are taken away, in the turn in which it is decided. */
  readonly forgotten: Set<string>
  /** Told of an upload whose holds are left. */
  readonly over: (upload: string) => void
}

/** Takes away uploads that nobody went on with since `beforeMs`, Unix ms. */
export async function forgetSuspended(
  { level, writer }: Pick<CollectParts, 'level' | 'writer'>,
  beforeMs: number,
  { isOpen, forgotten, over }: SuspendedUploads
): Promise<void> {
  for (let after = ''; ;) {
    const range = { ...rangeOf(KIND.upload, '', after), limit: ROWS_AT_ONCE }
    const found = await level.iterator(range).all()
    for (const [key, bytes] of found) {
      const upload = key.slice(1)
      const row = unsealJson<UploadRow>(key, bytes)
      if (isOpen(upload) || row === undefined || row.touchedAtMs > beforeMs) continue
      const ending = aborting(upload, row.tenant, row.root === undefined ? undefined : rootOf(row.root))
      const isForgotten = await writer.commit({
        ...ending,
        apply(rows) {
          // Somebody may have gone on with it since it was found.
          if (isOpen(upload)) return false
          forgotten.add(upload)
          ending.apply(rows, [])
          return true
        }
      })
      if (isForgotten) over(upload)
    }
    if (found.length < ROWS_AT_ONCE) return
    after = found.at(-1)![0].slice(1)
  }
}
