import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

const MOST_FILES = 1_000_000
const MOST_LEVELS = 64

/** A file below a folder. */
export interface FileIn {
  /** As it can be opened. */
  readonly path: string
  /** From the folder on, with `/` between names. */
  readonly name: string
}

/**
 * The regular files of a folder and those below it, in the order of their names. Links are passed over, so that nothing
 * from outside comes along. @throws CommandError `badInput` for more than a million files, or 64 levels; SetupError
 */
export async function filesIn(folder: string): Promise<readonly FileIn[]> {
  const { systemError } = await import('../../node/setup-error.ts')
  const files: FileIn[] = []
  const walk = async (path: string, name: string, level: number): Promise<void> => {
    if (level > MOST_LEVELS) throw tooMuch(folder, `${MOST_LEVELS} levels of folders`)
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw systemError(path, error)
    })
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const inside = {
        path: join(path, entry.name),
        name: name === '' ? entry.name : `${name}/${entry.name}`
      }
      if (entry.isDirectory()) await walk(inside.path, inside.name, level + 1)
      else if (entry.isFile() && files.push(inside) > MOST_FILES) throw tooMuch(folder, `${MOST_FILES} files`)
    }
  }
  await walk(folder, '', 1)
  return files
}

export const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    found => found.isDirectory(),
    () => false
  )

const tooMuch = (folder: string, what: string): CommandError =>
  new CommandError(EXIT.badInput, `${folder}: more than ${what}; add a part of it`)
