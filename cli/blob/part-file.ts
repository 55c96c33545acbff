import { existsSync } from 'node:fs'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

/** Nothing behind a multiple of this is written before what stands before it would survive a power cut. */
export const STEP_BYTES = 16 * 1_048_576

/**
 * A file that is being downloaded, under another name until it is whole: what a broken download left is gone on with at the
 * last multiple of 16 MiB behind which something was written, since what follows it a power cut may have damaged. One process
 * at a time writes it: beside it lies a lock, a folder that the next takes over where a process was killed.
 */
export interface PartFile extends AsyncDisposable {
  /** Its name until it is whole. */
  readonly path: string
  /** How much of it is there. */
  readonly offset: number
  write(bytes: Uint8Array): Promise<void>
  /** Gives it its name, durably. @throws CommandError `cannotCreate` when something has it already */
  commit(): Promise<void>
}

/** @throws CommandError `cannotCreate` when something has that name already; SetupError, `inUse` while another writes it */
export async function partFile(output: string, cid: string): Promise<PartFile> {
  const path = `${output}.${cid.slice(-12)}.part`
  if (existsSync(output)) throw taken(output)
  const lock = await partLock(path)
  try {
    return await opened(output, path, lock)
  } catch (error) {
    await lock.free()
    throw error
  }
}

interface PartLock {
  free(): Promise<void>
}

async function partLock(path: string): Promise<PartLock> {
  const { systemError, takeLock } = await import('../../node/index.ts')
  const folder = `${path}.lock`
  // Of the folders above it none is made.
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!isTaken(error)) throw systemError(path, error)
  })
  const lock = await takeLock(path, folder)
  return {
    async free() {
      // While it is held: the next must not find its own lock removed.
      await rm(folder, { recursive: true, force: true })
      await lock.close()
    }
  }
}

async function opened(output: string, path: string, lock: PartLock): Promise<PartFile> {
  const { systemError } = await import('../../node/setup-error.ts')
  // Asked again with the lock in hand: whoever had it before may have been done.
  if (existsSync(output)) throw taken(output)
  const guarded = <T>(step: Promise<T>): Promise<T> =>
    step.catch((error: unknown) => {
      throw isTaken(error) ? taken(output) : systemError(path, error)
    })
  const file = await guarded(open(path, existsSync(path) ? 'r+' : 'wx+'))
  const { size } = await guarded(file.stat())
  const offset = Math.max(0, Math.ceil(size / STEP_BYTES) - 1) * STEP_BYTES
  await guarded(file.truncate(offset))
  let at = offset
  return {
    path,
    offset,
    async write(bytes) {
      for (let from = 0; from < bytes.length;) {
        const room = STEP_BYTES - (at % STEP_BYTES)
        const length = Math.min(room, bytes.length - from)
        // A disk that is getting full takes less than it is given.
        const { bytesWritten } = await guarded(file.write(bytes, from, length, at))
        at += bytesWritten
        from += bytesWritten
        if (bytesWritten === room) await guarded(file.datasync())
      }
    },
    commit: () =>
      guarded(
        (async () => {
          await file.sync()
          await link(path, output)
          await rm(path)
        })()
      ),
    async [Symbol.asyncDispose]() {
      await file.close()
      await lock.free()
    }
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST'

const taken = (path: string): CommandError =>
  new CommandError(EXIT.cannotCreate, `${path}: already exists; move it away or give another name`)
