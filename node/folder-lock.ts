import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { makeFolder, readBoundedFile } from './durable-file.ts'
import { SetupError, errorCode, systemError } from './setup-error.ts'

export interface FolderLock {
  /** True when there was no lock of an earlier process. */
  readonly isNew: boolean
  /** Frees it; safe to call twice. */
  close(): Promise<void>
}

/**
 * Takes the lock of `subject`, such as a data folder, for this process; it is a folder at `path`, made when it is missing.
 * @throws SetupError `inUse`, which names the process that holds it.
 */
export async function takeLock(subject: string, path: string): Promise<FolderLock> {
  const isNew = (await makeFolder(path)) !== undefined
  // LevelDB's LOCK is an fcntl lock: the kernel frees it with the process, and it cannot be taken twice within one.
  const lock = new ClassicLevel(path)
  try {
    await lock.open()
    await writePid(path)
  } catch (error) {
    await lock.close()
    throw await lockError(subject, path, error)
  }
  return { isNew, close: () => lock.close() }
}

async function writePid(path: string): Promise<void> {
  const file = join(path, 'pid')
  try {
    await writeFile(file, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    throw systemError(file, error)
  }
}

async function lockError(subject: string, path: string, cause: unknown): Promise<SetupError> {
  if (cause instanceof SetupError) return cause
  if (!(cause instanceof Error) || errorCode(cause.cause) !== 'LEVEL_LOCKED')
    return new SetupError('io', `${path}: cannot be locked; remove this folder if no process uses it`, {
      cause
    })
  return new SetupError('inUse', `${subject} is in use by process ${await holder(path)}: stop it first`)
}

async function holder(path: string): Promise<string> {
  const text = await readBoundedFile(join(path, 'pid'), { maxBytes: 32 }).catch(() => '')
  return /^\d+\n$/.test(text) ? text.trim() : '(unknown)'
}
