import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/** A file that appears under its name whole, or not at all. */
export interface NewFile extends AsyncDisposable {
  write(bytes: Uint8Array): Promise<void>
  /** Gives the file its name. @throws CommandError `cannotCreate` when something has it already. */
  commit(): Promise<void>
}

/**
 * @throws CommandError `cannotCreate` when something has that name already; SetupError when the folder cannot be
 * written to.
 */
export async function newFile(path: string): Promise<NewFile> {
  const { systemError } = await import('../node/setup-error.ts')
  if (existsSync(path)) throw taken(path)
  const unfinished = join(dirname(path), `.new-${basename(path)}-${randomBytes(6).toString('hex')}`)
  const file = await open(unfinished, 'wx').catch((error: unknown) => {
    throw systemError(dirname(path), error)
  })
  const forget = onInterrupt(() => rmSync(unfinished, { force: true }))
  const guarded = <T>(step: Promise<T>): Promise<T> =>
    step.catch((error: unknown) => {
      throw isTaken(error) ? taken(path) : systemError(path, error)
    })
  return {
    write: bytes => guarded(file.writeFile(bytes)),
    commit: () => guarded(file.sync().then(() => link(unfinished, path))),
    async [Symbol.asyncDispose]() {
      forget()
      await file.close()
      await rm(unfinished, { force: true })
    }
  }
}

/** Ctrl-C ends the process at once, but for what `clean` takes away; yields how to forget it. */
function onInterrupt(clean: () => void): () => void {
  const onSignal = (): void => {
    clean()
    process.exit(EXIT.interrupted)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST'

const taken = (path: string): CommandError =>
  new CommandError(EXIT.cannotCreate, `${path}: already exists; move it away or give another name`)
