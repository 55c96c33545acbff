import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readSecretFile } from '../durable-file.ts'
import { type MinisignSecretKey, isPasswordProtected, parseSecretKey } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'

const MAX_BYTES = 8192

/**
 * The hub key of a folder of keys, as long as one needs it to sign; undefined when it is kept elsewhere or a password
 * protects it. @throws SetupError `permission`, `badInput`.
 */
export async function readHubKey(keysFolder: string): Promise<MinisignSecretKey | undefined> {
  const path = join(keysFolder, 'hub.key')
  if (!existsSync(path)) return undefined
  const text = await readSecretFile(path, { maxBytes: MAX_BYTES })
  try {
    return isPasswordProtected(text) ? undefined : parseSecretKey(text)
  } catch {
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  }
}
