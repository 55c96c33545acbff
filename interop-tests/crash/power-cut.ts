import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { DiskStep } from './disk-trace.ts'
import type { Random } from './load.ts'

const NOTHING = Buffer.alloc(0)

/** A change of one file's bytes, and the step that made it. */
interface Change {
  readonly step: number
  readonly at: number
  /** Undefined where the file was cut or grew to `at` bytes. */
  readonly data?: Uint8Array
  readonly isCut?: boolean
}

/** A file, whatever names it has: what is on the disk for sure, and what came after. */
class DiskFile {
  #durable: Buffer = NOTHING
  #later: Change[] = []

  change(change: Change): void {
    this.#later.push(change)
  }

  /** All changes of before that step are on the disk. */
  synced(before: number): void {
    const covered = this.#later.filter(({ step }) => step < before)
    this.#later = this.#later.slice(covered.length)
    this.#durable = covered.reduce(changed, this.#durable)
  }

  /** What a disk may hold after its power was cut: the durable bytes and any part of what came after, in its order. */
  afterCut(random: Random): Buffer {
    const kept = this.#later.slice(0, Math.floor(random() * (this.#later.length + 1)))
    const torn = this.#later[kept.length]
    const whole = kept.reduce(changed, this.#durable)
    if (torn?.data === undefined) return whole
    return changed(whole, { ...torn, data: torn.data.subarray(0, Math.floor(random() * torn.data.length)) })
  }
}

function changed(bytes: Buffer, { at, data, isCut }: Change): Buffer {
  if (data === undefined) {
    if (isCut === true && at <= bytes.length) return Buffer.from(bytes.subarray(0, at))
    return at > bytes.length ? Buffer.concat([bytes, Buffer.alloc(at - bytes.length)]) : bytes
  }
  const longer = Buffer.alloc(Math.max(bytes.length, at + data.length))
  longer.set(bytes)
  longer.set(data, at)
  return longer
}

/** A change of names, and the file that gets one. */
interface Naming {
  readonly step: number
  readonly is: DiskStep['is']
  readonly paths: readonly string[]
  readonly file?: DiskFile
}

/**
 * A disk as its power was cut before step `end`. Of each file there is what was synced and any prefix of what followed. Names
 * change in their order, as a journal keeps them: those up to the last that a sync of their folder, or the first of a new
 * file, has made durable, and any prefix of the later ones.
 */
export class CutDisk {
  readonly #files = new Map<number, DiskFile>()
  readonly #folders = new Map<number, string>()
  readonly #namings: Naming[] = []
  #durableNamings = 0

  constructor(steps: readonly DiskStep[], end: number) {
    for (const [i, step] of steps.slice(0, end).entries()) this.#take(step, i)
  }

  /** Writes what is left of `root` into a new folder. */
  write(root: string, target: string, random: Random): void {
    const left = this.#namings.length - this.#durableNamings
    const kept = this.#namings.slice(0, this.#durableNamings + Math.floor(random() * (left + 1)))
    const { files, folders } = named(kept)
    mkdirSync(target, { mode: 0o700, recursive: true })
    for (const folder of [...folders].sort())
      mkdirSync(join(target, relative(root, folder)), { mode: 0o700, recursive: true })
    for (const [path, file] of files) {
      const copy = join(target, relative(root, path))
      mkdirSync(dirname(copy), { mode: 0o700, recursive: true })
      writeFileSync(copy, file.afterCut(random), { mode: 0o600 })
    }
  }

  #take(step: DiskStep, i: number): void {
    const { is, inode, a, paths, data } = step
    switch (is) {
      case 'create': {
        const file = new DiskFile()
        this.#files.set(inode, file)
        this.#namings.push({ step: i, is, paths, file })
        return
      }
      case 'open':
        if (step.isFolder) this.#folders.set(inode, paths[0]!)
        return
      case 'write':
        this.#files.get(inode)?.change({ step: i, at: a, data })
        if (step.isDurable) this.#files.get(inode)?.synced(i + 1)
        return
      case 'truncate':
      case 'extend':
        this.#files.get(inode)?.change({ step: i, at: a, isCut: is === 'truncate' })
        return
      case 'synced':
        this.#synced(step)
        return
      default:
        this.#namings.push({ step: i, is, paths })
    }
  }

  #synced({ inode, a: before, isFolder }: DiskStep): void {
    const file = this.#files.get(inode)
    file?.synced(before)
    const folder = this.#folders.get(inode)
    const isMade = (naming: Naming): boolean =>
      naming.step < before &&
      (isFolder ? naming.paths.some(path => dirname(path) === folder) : naming.file === file)
    this.#durableNamings = Math.max(this.#durableNamings, this.#namings.findLastIndex(isMade) + 1)
  }
}

function named(namings: readonly Naming[]): {
  readonly files: ReadonlyMap<string, DiskFile>
  readonly folders: ReadonlySet<string>
} {
  const files = new Map<string, DiskFile>()
  const folders = new Set<string>()
  for (const { is, paths, file } of namings) {
    const [path = '', second = ''] = paths
    const moved = files.get(path)
    if (is === 'create') files.set(path, file!)
    else if (is === 'mkdir') folders.add(path)
    else if (is === 'rmdir') folders.delete(path)
    else if (is === 'unlink') files.delete(path)
    else if (is === 'link' && moved !== undefined) files.set(second, moved)
    else if (is === 'rename') rename(files, folders, path, second)
  }
  return { files, folders }
}

/** A file with one of its names, or a folder with all that is in it. */
function rename(files: Map<string, DiskFile>, folders: Set<string>, from: string, to: string): void {
  const moves = (path: string): boolean => path === from || path.startsWith(`${from}/`)
  for (const path of [...files.keys()].filter(moves)) {
    files.set(to + path.slice(from.length), files.get(path)!)
    files.delete(path)
  }
  for (const folder of [...folders].filter(moves)) {
    folders.delete(folder)
    folders.add(to + folder.slice(from.length))
  }
}
