import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

const MAX_BYTES = 1024 * 1024

export interface ConfigFile {
  readonly path: string
  readonly text: string
}

/** The text of a file that a person wrote, or `what` else they were to give. @throws SetupError `noInput`, `permission` or `badInput` */
export async function readConfigFile(path: string, what = 'a TOML file'): Promise<ConfigFile> {
  const { SetupError, systemError } = await import('../node/setup-error.ts')
  try {
    // Opening a pipe would otherwise wait for its writer for ever.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const stat = await file.stat()
    if (stat.isDirectory())
      throw new SetupError('badInput', `${path}: is a folder, not a file; give the file in it`)
    if (!stat.isFile())
      throw new SetupError('badInput', `${path}: not a regular file; give the path of ${what}`)
    if (stat.size > MAX_BYTES)
      throw new SetupError('badInput', `${path}: larger than 1 MiB; give the path of ${what}`)
    const bytes = Buffer.alloc(MAX_BYTES + 1)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    return { path, text: bytes.toString('utf8', 0, bytesRead) }
  } catch (error) {
    throw systemError(path, error)
  }
}
