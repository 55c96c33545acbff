import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openDataFolder } from '../data-folder.ts'
import { LevelBlobStore, fsckBlobs } from '../stores/blobs/index.ts'
import type { BlobFsckOptions, BlobFsckReport, ScrubOptions, ScrubReport } from '../stores/blobs/index.ts'

/** Of a data folder. */
export const BLOBS_FOLDER = 'blobs'

const NOTHING: BlobFsckReport = { blocks: 0, bytes: 0, roots: 0, uploads: 0, problems: [], found: 0 }

/** As `fsckBlobs`, of the data folder of a node that does not run. @throws SetupError as `openDataFolder` and `fsckBlobs` */
export async function fsckStoppedBlobs(path: string, options: BlobFsckOptions): Promise<BlobFsckReport> {
  await using data = await openDataFolder(path)
  const folder = join(data.folder, BLOBS_FOLDER)
  return existsSync(folder) ? await fsckBlobs(folder, options) : NOTHING
}

/**
 * Hashes every block of a data folder whose node does not run, from the first to the last, as fast as it can.
 * @throws SetupError as `openDataFolder`
 */
export async function scrubStoppedBlobs(
  path: string,
  options: Pick<ScrubOptions, 'signal' | 'onProgress' | 'onFinding'>
): Promise<ScrubReport> {
  await using data = await openDataFolder(path)
  await using store = await LevelBlobStore.open(join(data.folder, BLOBS_FOLDER), { now: () => Date.now() })
  return await store.scrub({ ...options, bytesPerSecond: Infinity, fromStart: true })
}
