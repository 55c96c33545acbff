import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { SetupError, errorCode } from '../setup-error.ts'

/** Longer paths do not fit a socket address everywhere. */
const MAX_PATH_BYTES = 100

/**
 * Where the admin socket of a data folder lies: in the folder, or, when that path is too long for a socket,
 * in a folder of this user's own below the runtime directory.
 */
export function adminSocketPath(dataFolder: string): string {
  const inside = join(resolve(dataFolder), 'admin.sock')
  if (Buffer.byteLength(inside) <= MAX_PATH_BYTES) return inside
  const name = createHash('sha256').update(resolve(dataFolder)).digest('hex').slice(0, 16)
  return join(runtimeFolder(), `${name}.sock`)
}

export const runtimeFolder = (): string =>
  join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `omnigate-${process.getuid?.() ?? 'user'}`)

/** What mkdir says of a file, and of a link to nowhere, that has the folder's name. */
const OCCUPIED = new Set(['EEXIST', 'ENOENT'])

/** Makes the folder of an admin socket if it is not there. */
export async function makeSocketFolder(socketPath: string): Promise<void> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    if (!OCCUPIED.has(errorCode(error) ?? '')) throw error
  })
  await checkSocketFolder(socketPath)
}

/**
 * Whoever made the folder of the admin socket decides who answers there, and below a directory that all may write to
 * that can be anyone.
 * @throws SetupError `permission` unless it is a folder of this user's that nobody else may enter.
 */
export async function checkSocketFolder(socketPath: string): Promise<void> {
  const folder = dirname(socketPath)
  const stats = await lstat(folder)
  if (process.platform === 'win32' || isPrivate(stats)) return
  throw new SetupError(
    'permission',
    `${folder}: must be a folder of your own that nobody else may enter, for the admin socket: remove it, or set XDG_RUNTIME_DIR to another`
  )
}

const isPrivate = (stats: Stats): boolean =>
  stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0
