import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isUnfinished, syncFolder } from '../durable-file.ts'
import { SetupError, systemError } from '../setup-error.ts'

const PIECE_BYTES = 256 * 1024
// Opening a pipe would otherwise wait for its writer for ever.
const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Copies a file, or the first `bytes` of it, to a new one (0600); yields the SHA-256 in hex of what it copied, once that
 * would survive a power cut.
 * @throws SetupError; the signal's reason
 */
export async function copyFile(
  from: string,
  to: string,
  { bytes = Infinity, signal }: CopyOptions & { readonly bytes?: number } = {}
): Promise<string> {
  let subject = from
  try {
    await using source = await open(from, READ_WITHOUT_WAITING)
    if (!(await source.stat()).isFile())
      throw new SetupError('badInput', `${from}: not a regular file; move it away`)
    subject = to
    await using target = await open(to, 'wx', 0o600)
    const digest = createHash('sha256')
    let left = bytes
    for (let piece = await read(source, left); piece.length > 0; piece = await read(source, left)) {
      signal?.throwIfAborted()
      digest.update(piece)
      await target.writeFile(piece)
      left -= piece.length
    }
    await target.sync()
    return digest.digest('hex')
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : systemError(subject, error)
  }
}

async function read(source: FileHandle, most: number): Promise<Buffer> {
  const piece = Buffer.alloc(Math.min(PIECE_BYTES, most))
  const { bytesRead } = await source.read(piece, 0, piece.length)
  return piece.subarray(0, bytesRead)
}

export interface TreeOptions extends CopyOptions {
  /** Whether to take a file or folder, by its path below the tree with `/` between names. */
  readonly takes?: (path: string) => boolean
  /** Told of each file that was copied. */
  readonly copied?: (path: string, sha256: string) => void
}

/** Copies a folder with what lies in it into a new one (0700), or a single file; what is unfinished is left out. */
export async function copyTree(from: string, to: string, options: TreeOptions = {}): Promise<void> {
  await copyBelow(from, to, '', options)
}

async function copyBelow(from: string, to: string, path: string, options: TreeOptions): Promise<void> {
  const { takes = () => true, copied, signal } = options
  const isFolder = (await stat(from).catch(failedAt(from))).isDirectory()
  if (!isFolder) {
    const sha256 = await copyFile(from, to, { signal })
    return copied?.(path, sha256)
  }
  await mkdir(to, { mode: 0o700 }).catch(failedAt(to))
  const names = await readdir(from).catch(failedAt(from))
  for (const name of names.filter(one => !isUnfinished(one)).sort()) {
    signal?.throwIfAborted()
    const below = path === '' ? name : `${path}/${name}`
    if (takes(below)) await copyBelow(join(from, name), join(to, name), below, options)
  }
  await syncFolder(to)
}

const failedAt =
  (path: string) =>
  (error: unknown): never => {
    throw systemError(path, error)
  }
