import { existsSync } from 'node:fs'
import { readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createFile, isUnfinished, makeFolder, readBoundedFile, removeUnfinished } from './durable-file.ts'
import { takeLock } from './folder-lock.ts'
import { ownCommand } from './own-command.ts'
import { finishSuccession } from './succession-switch.ts'
import { SetupError, errorCode, systemError } from './setup-error.ts'

/** The version of this layout. */
export const FORMAT = 1

/** Makes a folder a backup, and no data folder. */
export const BACKUP_FILE = 'backup.json'

/**
 * What lies in a data folder (0700). Everything but `blobs`, `dht`, `lock`, `admin.sock` and names that begin with `.new-` belongs in a
 * backup, the store and the audit log as they are at one moment. Whoever may write here owns the hub: the only protection is that of the file system.
 */
export const DATA_FOLDER_CONTENTS = {
  FORMAT: 'the version of this layout; written first',
  'omnigate.toml': 'configuration; optional',
  keys: 'hub.key, hub.pub, node.key, delegation.json; made whole or not at all, changed by the commands about keys alone',
  store: 'LevelDB: everything that must survive a restart, blobs apart',
  blobs: 'blocks by their hash in segments, and LevelDB over them; not part of a backup',
  dht: 'LevelDB: which hubs have which public blob, and when those of this node are announced next; may be thrown away',
  snapshots: 'sealed folders of snapshots, by owner and number; not part of a backup',
  capabilities: 'root keys, revocations and the key that signs them',
  audit: 'the audit log of this node, with the key that signs its heads',
  'audit-before':
    'audit logs of before a restore or a succession, each in a folder named by its log id; only for verifying them',
  'hubs-before': 'keys and capabilities of the hub ids of before a succession; nothing uses them',
  succession: 'what a succession that was cut short will go on with at the next start',
  client: 'the key and the token of a first client; made by start --init',
  lock: 'held by the running process and freed by the kernel when it ends, however it ends',
  'admin.sock': 'local control of the running node',
  'tokens-lock': 'held by a process that changes the tokens of the HTTP surface'
} as const

const MADE_FIRST = Object.keys(DATA_FOLDER_CONTENTS).filter(name => name !== 'lock')

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
  /** Removes what has come into it since it was opened, and itself if that made it; before `close`. */
  undo(): Promise<void>
}

/**
 * Takes a data folder for this process alone until `close`. With `create`, makes an absent or empty one first.
 * @throws SetupError `noInput` (absent), `badInput` (something else lies there), `permission` (others may enter it),
 * `newerFormat`, `inUse` (names the process that holds it).
 */
export async function openDataFolder(path: string, { create = false } = {}): Promise<DataFolder> {
  const paths = dataFolderPaths(path)
  const outermost = create ? await makeFolder(paths.folder) : undefined
  const format = await checkDataFolder(path, { acceptEmpty: create })
  const lock = await takeLock(`data folder ${paths.folder}`, paths.lock)
  const close = () => lock.close()
  try {
    await removeUnfinished(paths.folder)
    await finishSuccession(paths.folder)
    if (existsSync(paths.keys)) await removeUnfinished(paths.keys)
    const before = (await readdir(paths.folder)).filter(name => name !== 'lock' || !lock.isNew)
    if (format === undefined) await createFile(paths.format, `${FORMAT}\n`)
    const undo = () => removeNew(paths.folder, before, outermost)
    return { ...paths, close, undo, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw systemError(paths.folder, error)
  }
}

/** Only for whoever holds the lock, which goes last: until then nobody else can have put anything there. */
async function removeNew(
  folder: string,
  before: readonly string[],
  outermost: string | undefined
): Promise<void> {
  const made = [...MADE_FIRST, 'lock'].filter(name => !before.includes(name))
  for (const name of made) await rm(join(folder, name), { recursive: true, force: true })
  if (outermost !== undefined) await removeEmpty(folder, outermost)
}

/** Removes a folder and its parents up to `outermost`, as far as they are empty. */
async function removeEmpty(folder: string, outermost: string): Promise<void> {
  try {
    await rmdir(folder)
  } catch {
    return
  }
  if (folder !== outermost) await removeEmpty(dirname(folder), outermost)
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
  const names = await namesIn(path)
  const isOurs = names.includes('FORMAT')
  const isEmpty = names.every(name => name === 'lock' || isUnfinished(name))
  if (names.includes(BACKUP_FILE)) throw isBackup(path)
  if (!isOurs && !(isEmpty && acceptEmpty)) throw noDataFolder(path, isEmpty)
  await refuseOpenToOthers(paths.folder)
  return isOurs ? readFormat(paths) : undefined
}

function isBackup(path: string): SetupError {
  const restore = `${ownCommand('restore', path)} --data DIR`
  return new SetupError(
    'badInput',
    `${resolve(path)}: is a backup; make a data folder of it with: ${restore}`
  )
}

function noDataFolder(path: string, isEmpty: boolean): SetupError {
  const folder = resolve(path)
  if (isEmpty)
    return new SetupError('noInput', `${folder}: no data folder yet; make it one with: ${init(path)}`)
  const elsewhere = `${ownCommand('init', '--data')} DIR`
  return new SetupError(
    'badInput',
    `${folder}: not a data folder, and not empty; make one elsewhere with: ${elsewhere}`
  )
}

const init = (path: string): string => ownCommand('init', '--data', path)

async function namesIn(path: string): Promise<string[]> {
  const folder = resolve(path)
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw systemError(folder, error)
    throw new SetupError('noInput', `${folder}: no such data folder; make one with: ${init(path)}`)
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
