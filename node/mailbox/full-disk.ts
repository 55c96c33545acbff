import { OapError } from '../../protocols/index.ts'
import { isDiskFull } from '../stores/disk-full.ts'

/**
 * What a call of the mailbox yields.
 * @throws OapError `disk_full` where a write of it found no room, after which nobody knows whether it was done; else as it was
 * thrown.
 */
export async function toldOfFullDisk<T>(called: Promise<T>): Promise<T> {
  try {
    return await called
  } catch (error) {
    if (error instanceof OapError || !isDiskFull(error)) throw error
    throw new OapError('disk_full', undefined, { cause: error })
  }
}
