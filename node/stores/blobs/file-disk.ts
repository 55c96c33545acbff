import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../setup-error.ts'
import { syncFolder } from '../../durable-file.ts'
import type { SegmentDisk } from './segment-disk.ts'

const NAME = /^([0-9a-f]{8})\.blocks$/
const FILE_MODE = 0o600
const MOST_OPEN = 64
// One trip to the disk instead of two; where there is no such flag, each write is followed by a sync.
const DSYNC = constants.O_DSYNC ?? 0

const nameOf = (segment: number): string => `${segment.toString(16).padStart(8, '0')}.blocks`

/** An open file, closed when nobody reads of it any more and it is not kept open. */
interface Opened {
  readonly file: FileHandle
  readers: number
  isKept: boolean
}

/** Segments in the files of a folder that is there. */
export class FileDisk implements SegmentDisk {
  readonly #folder: string
  /** In the order in which they were last read. */
  readonly #open = new Map<number, Promise<Opened | undefined>>()
  #writing: { readonly segment: number; readonly file: FileHandle } | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  async append(segment: number, at: number, pieces: readonly Uint8Array[]): Promise<void> {
    const file = await this.#writable(segment, at)
    try {
      await writeAll(file, pieces, at)
      if (DSYNC === 0) await file.datasync()
    } catch (error) {
      await file.truncate(at).catch(() => undefined)
      throw error
    }
  }

  async read(segment: number, at: number, length: number): Promise<Buffer | undefined> {
    const pieces = await this.readMany(segment, at, [length])
    return pieces?.[0]
  }

  async readMany(
    segment: number,
    at: number,
    lengths: readonly number[]
  ): Promise<readonly Buffer[] | undefined> {
    const opened = await this.#readable(segment)
    if (opened === undefined) return undefined
    opened.readers++
    try {
      const pieces = lengths.map(length => Buffer.allocUnsafeSlow(length))
      let left: readonly Uint8Array[] = pieces.filter(({ length }) => length > 0)
      for (let position = at; left.length > 0;) {
        const { bytesRead } = await opened.file.readv(left as Uint8Array[], position)
        if (bytesRead === 0) return undefined
        left = rest(left, bytesRead)
        position += bytesRead
      }
      return pieces
    } finally {
      opened.readers--
      await closeUnused(opened)
    }
  }

  async cut(segment: number, bytes: number): Promise<void> {
    await truncate(this.#path(segment), bytes)
  }

  async remove(segment: number): Promise<void> {
    if (this.#writing?.segment === segment) await this.#endWriting()
    const opened = this.#open.get(segment)
    this.#open.delete(segment)
    await drop(opened)
    try {
      await unlink(this.#path(segment))
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }

  async sizes(): Promise<ReadonlyMap<number, number>> {
    const sizes = new Map<number, number>()
    for (const name of await readdir(this.#folder)) {
      const [, digits] = NAME.exec(name) ?? []
      if (digits === undefined) continue
      const { size } = await stat(join(this.#folder, name))
      sizes.set(Number.parseInt(digits, 16), size)
    }
    return sizes
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()]
    this.#open.clear()
    await this.#endWriting()
    for (const opened of all) await drop(opened)
  }

  #path(segment: number): string {
    return join(this.#folder, nameOf(segment))
  }

  async #writable(segment: number, at: number): Promise<FileHandle> {
    if (this.#writing?.segment === segment) return this.#writing.file
    await this.#endWriting()
    const isNew = at === 0 ? constants.O_CREAT : 0
    const file = await open(this.#path(segment), constants.O_RDWR | isNew | DSYNC, FILE_MODE)
    this.#writing = { segment, file }
    if (at === 0) await syncFolder(this.#folder)
    return file
  }

  async #endWriting(): Promise<void> {
    const writing = this.#writing
    this.#writing = undefined
    await writing?.file.close()
  }

  async #readable(segment: number): Promise<Opened | undefined> {
    for (;;) {
      const found = this.#open.get(segment) ?? this.#opening(segment)
      this.#open.delete(segment)
      this.#open.set(segment, found)
      const opened = await found
      // Dropped while it was waited for: opened anew, or gone.
      if (opened === undefined || opened.isKept) return opened
    }
  }

  #opening(segment: number): Promise<Opened | undefined> {
    const opening = open(this.#path(segment), constants.O_RDONLY).then(
      file => ({ file, readers: 0, isKept: true }),
      (error: unknown) => {
        this.#open.delete(segment)
        if (errorCode(error) === 'ENOENT') return undefined
        throw error
      }
    )
    if (this.#open.size >= MOST_OPEN) {
      const [oldest] = this.#open
      if (oldest !== undefined) {
        this.#open.delete(oldest[0])
        void drop(oldest[1])
      }
    }
    return opening
  }
}

async function drop(found: Promise<Opened | undefined> | undefined): Promise<void> {
  const opened = await found?.catch(() => undefined)
  if (opened === undefined) return
  opened.isKept = false
  await closeUnused(opened)
}

async function closeUnused({ file, readers, isKept }: Opened): Promise<void> {
  if (!isKept && readers === 0) await file.close().catch(() => undefined)
}

async function writeAll(file: FileHandle, pieces: readonly Uint8Array[], at: number): Promise<void> {
  let left = pieces
  let position = at
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left as Uint8Array[], position)
    position += bytesWritten
    left = rest(left, bytesWritten)
  }
}

function rest(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written
  for (const [i, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(i + 1)]
    left -= piece.length
  }
  return []
}
