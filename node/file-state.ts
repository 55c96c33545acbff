import { stat } from 'node:fs/promises'
import { systemError } from './setup-error.ts'

/** Something that is another text for another content of a file, as far as the system tells; or why it says nothing. */
export async function fileState(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return [ino, size, mtimeMs, ctimeMs].join(' ')
  } catch (error) {
    return (systemError(path, error) as Error).message
  }
}
