import { readFile, stat } from 'node:fs/promises'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

const MAX_BYTES = 1_048_576

/** The text of a file of at most so many bytes. @throws CommandError `badInput`; SetupError as the system says */
export async function smallFile(path: string, maxBytes = MAX_BYTES): Promise<string> {
  const { systemError } = await import('../node/setup-error.ts')
  try {
    const found = await stat(path)
    if (!found.isFile() || found.size > maxBytes)
      throw new CommandError(EXIT.badInput, `${path}: not a file of at most ${maxBytes} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    throw systemError(path, error)
  }
}
