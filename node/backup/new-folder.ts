import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { syncFolder, unfinishedPath } from '../durable-file.ts'
import { SetupError, errorCode, systemError } from '../setup-error.ts'

/**
 * Makes a folder (0700) of what `fill` puts into a folder beside it, which gets the name once all is there: whatever goes
 * wrong before, no folder of that name is left. A killed process leaves one whose name begins with `.new-`.
 * @throws SetupError `cannotCreate` when there is anything in a folder of that name, `noInput` without a parent
 */
export async function newFolder<T>(path: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const folder = resolve(path)
  await refuseTaken(folder)
  const unfinished = unfinishedPath(folder)
  await mkdir(unfinished, { mode: 0o700 }).catch((error: unknown) => {
    throw systemError(dirname(folder), error)
  })
  try {
    const made = await fill(unfinished)
    await syncFolder(unfinished)
    await rename(unfinished, folder)
    await syncFolder(dirname(folder))
    return made
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    const isTaken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error) ?? '')
    throw isTaken ? taken(folder) : systemError(folder, error)
  }
}

async function refuseTaken(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw errorCode(error) === 'ENOTDIR' ? taken(folder) : systemError(folder, error)
  })
  if (names.length > 0) throw taken(folder)
}

const taken = (folder: string): SetupError =>
  new SetupError(
    'cannotCreate',
    `${folder}: there is something already; nothing is overwritten, give a new or empty folder`
  )
