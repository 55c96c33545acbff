import { existsSync } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

/** Nothing behind a multiple of this is written before what stands before it would survive a power cut. */
export const STEP_BYTES = 16 * 1_048_576

/**
 * A file that is being downloaded, under another name until it is whole: what a broken download left is gone on with at the
 * last multiple of 16 MiB behind which something was written, since what follows it a power cut may have damaged.
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

/** @throws CommandError `cannotCreate` when something has that name already; SetupError */
export async function partFile(output: string, cid: string): Promise<PartFile> {
  const { systemError } = await import('../../node/index.ts')
  const path = `${output}.${cid.slice(-12)}.part`
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
    }
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST'

const taken = (path: string): CommandError =>
  new CommandError(EXIT.cannotCreate, `${path}: already exists; move it away or give another name`)
