import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, chmod, link, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SetupError, errorCode, systemError } from './setup-error.ts'

const UNFINISHED = '.new-'
// Opening a pipe would otherwise wait for its writer for ever.
const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * Writes a new file that only its owner may read. Resolves once it would survive a power cut; a crash leaves the file
 * whole or absent.
 * @throws SetupError `cannotCreate` when something has that name.
 */
export async function createFile(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = unfinishedPath(path)
  try {
    await writeSynced(unfinished, content)
    // link(2), unlike rename(2), refuses to replace what is there.
    await link(unfinished, path)
    await unlink(unfinished)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(unfinished, { force: true })
    if (errorCode(error) === 'EEXIST')
      throw new SetupError('cannotCreate', `${path}: already exists; move it away first`)
    throw systemError(path, error)
  }
}

/** Like `createFile`, but puts the new content in place of the old; a crash leaves one of the two, whole. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = unfinishedPath(path)
  try {
    await writeSynced(unfinished, content)
    await rename(unfinished, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(unfinished, { force: true })
    throw systemError(path, error)
  }
}

/**
 * Makes a folder (0700) with these files (0600), all or nothing. Resolves once it would survive a power cut.
 * @throws SetupError `cannotCreate` when a folder of that name has anything in it.
 */
export async function createFolder(
  path: string,
  files: Readonly<Record<string, string | Uint8Array>>
): Promise<void> {
  const unfinished = unfinishedPath(path)
  try {
    await mkdir(unfinished, { mode: FOLDER_MODE })
    for (const [name, content] of Object.entries(files)) await writeSynced(join(unfinished, name), content)
    await syncFolder(unfinished)
    await rename(unfinished, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error) ?? '')) {
      throw new SetupError(
        'cannotCreate',
        `${path}: already exists; it is never overwritten, move it away first`
      )
    }
    throw systemError(path, error)
  }
}

/** Removes what a killed process left unfinished in a folder. Only for whoever holds the folder's lock. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter(isUnfinished))
    await rm(join(folder, name), { recursive: true, force: true })
}

export function isUnfinished(name: string): boolean {
  return name.startsWith(UNFINISHED)
}

/**
 * The text of a file that holds a secret.
 * @throws SetupError `permission` when group or others may use it, `badInput` when it is no file or is too large,
 * `noInput` when it is absent.
 */
export async function readSecretFile(
  path: string,
  { maxBytes }: { readonly maxBytes: number }
): Promise<string> {
  return readBounded(path, maxBytes, mode => {
    if ((mode & 0o077) === 0) return
    throw new SetupError('permission', `${path}: others may read this key; run: chmod 600 ${path}`)
  })
}

/** What helps where this program wrote the file. */
const FROM_BACKUP = 'restore it from a backup'

/**
 * The text of a file that anyone may know, with a bound on its size. Where it is none that can be read, the error ends with
 * `wayOut`, which an operator who wrote the file has to be told.
 */
export async function readBoundedFile(
  path: string,
  { maxBytes, wayOut = FROM_BACKUP }: { readonly maxBytes: number; readonly wayOut?: string }
): Promise<string> {
  return readBounded(path, maxBytes, () => undefined, wayOut)
}

async function readBounded(
  path: string,
  maxBytes: number,
  checkMode: (mode: number) => void,
  wayOut = FROM_BACKUP
): Promise<string> {
  try {
    await using file = await open(path, READ_WITHOUT_WAITING)
    const { mode, size } = await regular(file, path, wayOut)
    checkMode(mode)
    if (size > maxBytes)
      throw new SetupError(
        'badInput',
        `${path}: larger than ${maxBytes} bytes, so not what belongs there; ${wayOut}`
      )
    const buffer = Buffer.alloc(maxBytes + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const text = buffer.toString('utf8', 0, bytesRead)
    buffer.fill(0)
    return text
  } catch (error) {
    throw systemError(path, error)
  }
}

async function regular(
  file: FileHandle,
  path: string,
  wayOut: string
): Promise<{ readonly mode: number; readonly size: number }> {
  const stat = await file.stat()
  if (!stat.isFile()) throw new SetupError('badInput', `${path}: not a regular file; ${wayOut}`)
  return stat
}

async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', FILE_MODE)
  await file.chmod(FILE_MODE)
  await file.writeFile(content)
  await file.sync()
}

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(path, 'r')
  await folder.sync()
}

/**
 * Makes a folder and its parents, the folder itself 0700 whatever the umask; leaves an existing one alone. Yields the
 * outermost folder that it made.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    if (first === undefined) return undefined
    await chmod(path, FOLDER_MODE)
    await syncFolder(dirname(path))
    return first
  } catch (error) {
    throw systemError(path, error)
  }
}

/** A name beside `path` for what is to become it by a rename. */
export function unfinishedPath(path: string): string {
  return join(dirname(path), `${UNFINISHED}${basename(path)}-${randomBytes(6).toString('hex')}`)
}
