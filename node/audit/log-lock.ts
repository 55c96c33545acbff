import { ClassicLevel } from 'classic-level'
import { makeFolder } from '../durable-file.ts'
import { SetupError, errorCode } from '../setup-error.ts'

export interface LogLock {
  release(): Promise<void>
}

/**
 * Takes the right to append to a log, until it is released or the process ends.
 * @throws SetupError `inUse` when it is taken, by this process or another.
 */
export async function takeLogLock(path: string, folder: string): Promise<LogLock> {
  await makeFolder(path)
  // LevelDB's LOCK is an fcntl lock: the kernel frees it with the process, and it cannot be taken twice within one.
  const level = new ClassicLevel(path)
  try {
    await level.open()
  } catch (error) {
    const isTaken = error instanceof Error && errorCode(error.cause) === 'LEVEL_LOCKED'
    throw isTaken
      ? new SetupError('inUse', `audit log ${folder} is open in another process: stop it first`, {
          cause: error
        })
      : new SetupError('io', `${path}: cannot be locked; remove this folder if no node runs`, {
          cause: error
        })
  }
  return { release: () => level.close() }
}
