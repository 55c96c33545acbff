import { readdir, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { createFile, isUnfinished, makeFolder, readBoundedFile, removeUnfinished } from './durable-file.ts'
import { SetupError, errorCode, systemError } from './setup-error.ts'

const FORMAT = 1

/**
 * What lies in a data folder (0700). Everything but `lock`, `admin.sock` and names that begin with `.new-` belongs in a
 * backup. Whoever may write here owns the hub: the only protection is that of the file system.
 */
export const DATA_FOLDER_CONTENTS = {
  FORMAT: 'the version of this layout; written first',
  'omnigate.toml': 'configuration; optional',
  keys: 'hub.key, hub.pub, node.key, delegation.json; made whole or not at all, never overwritten',
  store: 'LevelDB: everything that must survive a restart',
  lock: 'held by the running process and freed by the kernel when it ends, however it ends',
  'admin.sock': 'local control of the running node'
} as const

export interface DataFolderPaths {
  readonly folder: string
  readonly format: string
  readonly config: string
  readonly keys: string
  readonly store: string
  readonly lock: string
  readonly adminSocket: string
}

/** Where things lie in a data folder, whether it exists or not. */
export function dataFolderPaths(path: string): DataFolderPaths {
  const folder = resolve(path)
  return {
    folder,
    format: join(folder, 'FORMAT'),
    config: join(folder, 'omnigate.toml'),
    keys: join(folder, 'keys'),
    store: join(folder, 'store'),
    lock: join(folder, 'lock'),
    adminSocket: join(folder, 'admin.sock')
  }
}

export interface DataFolder extends DataFolderPaths, AsyncDisposable {
  /** Frees the lock; safe to call twice. */
  close(): Promise<void>
}

/**
 * Takes a data folder for this process alone until `close`. With `create`, makes an absent or empty one first.
 * @throws SetupError `noInput` (absent), `badInput` (something else lies there), `permission` (others may enter it),
 * `newerFormat`, `inUse` (names the process that holds it).
 */
export async function openDataFolder(path: string, { create = false } = {}): Promise<DataFolder> {
  const paths = dataFolderPaths(path)
  if (create) await makeFolder(paths.folder)
  const format = await checkDataFolder(path, { acceptEmpty: create })
  const lock = await takeLock(paths)
  try {
    await removeUnfinished(paths.folder)
    if (format === undefined) await createFile(paths.format, `${FORMAT}\n`)
  } catch (error) {
    await lock.close()
    throw systemError(paths.folder, error)
  }
  const close = () => lock.close()
  return { ...paths, close, [Symbol.asyncDispose]: close }
}

/**
 * Whether a data folder is one that this version may use, without taking it; for commands that read beside a running
 * node. Yields its format version, or undefined for an empty folder when that is accepted.
 * @throws SetupError as `openDataFolder`, but for `inUse`.
 */
export async function checkDataFolder(
  path: string,
  { acceptEmpty = false } = {}
): Promise<number | undefined> {
  const paths = dataFolderPaths(path)
  const names = await namesIn(paths.folder)
  await refuseOpenToOthers(paths.folder)
  if (names.includes('FORMAT')) return readFormat(paths)
  const isEmpty = names.every(name => name === 'lock' || isUnfinished(name))
  if (isEmpty && acceptEmpty) return undefined
  const what = isEmpty ? 'no data folder yet' : 'not a data folder, and not empty'
  throw new SetupError(
    isEmpty ? 'noInput' : 'badInput',
    `${paths.folder}: ${what}; make one with: omnigate init --data DIR`
  )
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw systemError(folder, error)
    throw new SetupError('noInput', `${folder}: no such data folder; make one with: omnigate init --data DIR`)
  }
}

async function refuseOpenToOthers(folder: string): Promise<void> {
  const { mode } = await stat(folder)
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  throw new SetupError('permission', `${folder}: others may enter this data folder; run: chmod 700 ${folder}`)
}

async function readFormat({ folder, format: path }: DataFolderPaths): Promise<number> {
  const text = await readBoundedFile(path, { maxBytes: 32 })
  const [, digits] = /^([1-9]\d{0,8})\n?$/.exec(text) ?? []
  if (digits === undefined)
    throw new SetupError('badInput', `${path}: damaged; it must hold the number ${FORMAT}`)
  const format = Number(digits)
  if (format <= FORMAT) return format
  throw new SetupError(
    'newerFormat',
    `data folder ${folder} has format ${format}, this version reads up to ${FORMAT}: use the newer omnigate that wrote it`
  )
}

// LevelDB's LOCK is an fcntl lock: the kernel frees it with the process, and it cannot be taken twice within one.
async function takeLock({ folder, lock: path }: DataFolderPaths): Promise<ClassicLevel> {
  await makeFolder(path)
  const lock = new ClassicLevel(path)
  try {
    await lock.open()
  } catch (error) {
    if (!(error instanceof Error) || errorCode(error.cause) !== 'LEVEL_LOCKED') throw lockError(path, error)
    throw new SetupError(
      'inUse',
      `data folder ${folder} is in use by process ${await holder(path)}: stop it first`
    )
  }
  await writeFile(join(path, 'pid'), `${process.pid}\n`, { mode: 0o600 })
  return lock
}

function lockError(path: string, cause: unknown): SetupError {
  return new SetupError('io', `${path}: cannot be locked; remove this folder if no node runs`, { cause })
}

async function holder(lock: string): Promise<string> {
  const text = await readBoundedFile(join(lock, 'pid'), { maxBytes: 32 }).catch(() => '')
  return /^\d+\n$/.test(text) ? text.trim() : '(unknown)'
}
