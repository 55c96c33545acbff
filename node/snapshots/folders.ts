import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Files, Judged } from '../../federation/index.ts'
import { createFolder, makeFolder, removeUnfinished, syncFolder, unfinishedPath } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'
import { snapshotFile, snapshotFiles } from './sealed-folder.ts'

const NUMBER = /^[1-9]\d{0,15}$/

/**
 * The sealed folders of snapshots, `OWNER/NUMBER`, where the owner is `own` or a hub id. Each appears and goes whole: what a
 * killed process left half made is removed when it is opened. Whoever can write there can take one away; what they change
 * shows by its seal.
 */
export class SnapshotFolders {
  readonly #top: string

  private constructor(top: string) {
    this.#top = top
  }

  /** Only for whoever holds the lock of the data folder. */
  static async open(top: string): Promise<SnapshotFolders> {
    await makeFolder(top)
    const owners = await readdir(top, { withFileTypes: true })
    for (const owner of owners) if (owner.isDirectory()) await removeUnfinished(join(top, owner.name))
    return new SnapshotFolders(top)
  }

  path(owner: string, seq: number): string {
    return join(this.#top, owner, String(seq))
  }

  /** `own`, and the hubs whose folders there are. */
  async owners(): Promise<readonly string[]> {
    const found = await readdir(this.#top, { withFileTypes: true })
    return found.filter(entry => entry.isDirectory()).map(({ name }) => name)
  }

  /** In ascending order. */
  async numbers(owner: string): Promise<readonly number[]> {
    const names = await readdir(join(this.#top, owner)).catch(() => [])
    return names
      .filter(name => NUMBER.test(name))
      .map(Number)
      .filter(Number.isSafeInteger)
      .sort((a, b) => a - b)
  }

  /** Resolves once all of it would survive a power cut. @throws SetupError `cannotCreate` where there is one */
  async write(owner: string, seq: number, files: Files): Promise<void> {
    const folder = join(this.#top, owner)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await syncFolder(this.#top)
    await createFolder(this.path(owner, seq), Object.fromEntries(files))
  }

  /** @throws SetupError where it is not there */
  read(owner: string, seq: number): Promise<Judged<Files>> {
    return snapshotFiles(this.path(owner, seq))
  }

  /** One of its files; undefined where it is not there. */
  async file(owner: string, seq: number, name: string): Promise<Uint8Array | undefined> {
    const read = await snapshotFile(this.path(owner, seq), name).catch((error: unknown) => {
      if (error instanceof SetupError && error.reason === 'noInput') return undefined
      throw error
    })
    return read !== undefined && 'value' in read ? read.value : undefined
  }

  /** Takes one away, if it is there. */
  async remove(owner: string, seq: number): Promise<void> {
    const path = this.path(owner, seq)
    const going = unfinishedPath(path)
    await rename(path, going).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await rm(going, { recursive: true, force: true })
  }
}
