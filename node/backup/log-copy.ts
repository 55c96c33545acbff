import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { TILE_WIDTH, logPaths, parseTilePath } from '../audit/index.ts'
import type { AuditLog, LogExtent } from '../audit/index.ts'
import { createFile, syncFolder } from '../durable-file.ts'
import { copyFile, copyTree } from './copy-file.ts'
import type { CopyOptions } from './copy-file.ts'

const ENTRIES = 'entries.ndjson'
/** What only the process needs that appends; without them a copy can be verified and not gone on with. */
const KEPT_BACK = new Set(['log.key', 'lock', 'checkpoint', 'segments', 'tile'])

/** The head of a log that was copied. */
export interface CopiedLog {
  readonly checkpoint: string
  readonly size: number
}

/** Copies a log up to a checkpoint, into a new folder that `verifyAudit` takes; the log may be appended to meanwhile. */
export function copyLog(log: AuditLog, to: string, options: CopyOptions = {}): Promise<CopiedLog> {
  return log.copying(async extent => {
    const { folder, checkpoint, size } = extent
    await copyTree(folder, to, { ...options, takes: path => !KEPT_BACK.has(path) })
    await copySegments(extent, join(to, 'segments'), options)
    const takes = (path: string): boolean => isCovered(`tile/${path}`, size)
    if (size > 0) await copyTree(join(folder, 'tile'), join(to, 'tile'), { ...options, takes })
    await createFile(logPaths(to).checkpoint, checkpoint)
    return { checkpoint, size }
  })
}

async function copySegments({ segments, last }: LogExtent, to: string, options: CopyOptions): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  for (const segment of segments) await copyTree(segment, join(to, basename(segment)), options)
  if (last !== undefined) {
    const folder = join(to, basename(last.folder))
    await mkdir(folder, { mode: 0o700 })
    await copyFile(join(last.folder, ENTRIES), join(folder, ENTRIES), { ...options, bytes: last.bytes })
    await syncFolder(folder)
  }
  await syncFolder(to)
}

/** A tile beyond the checkpoint may just be being written. */
function isCovered(path: string, size: number): boolean {
  const tile = parseTilePath(path)
  if (tile === undefined) return true
  return (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH ** Math.max(0, tile.level) <= size
}
