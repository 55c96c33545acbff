import { replaceFile } from '../durable-file.ts'
import { type HubKeyGiven, openSecretKey } from '../hub-key.ts'
import { type PasswordCost, lockSecretKey } from '../minisign-password.ts'
import { keyIdText } from '../minisign.ts'

export interface PasswordChange {
  /** Asked when the key is protected now. */
  readonly password?: HubKeyGiven['password']
  /** Asked once the key is open; undefined takes the password off. */
  readonly next?: ((file: string) => Promise<string>) | undefined
  readonly cost?: PasswordCost
}

/**
 * Puts a secret key file under another password, or under none. Resolves with its minisign key id once that would
 * survive a power cut; a crash leaves the old file or the new one. The old content may still lie on the disk.
 * @throws SetupError as `openHubKey`; RangeError for a password that minisign would not take
 */
export async function changePassword(
  path: string,
  { password, next, cost }: PasswordChange
): Promise<string> {
  const { secretKey, text } = await openSecretKey(path, password)
  const written = next === undefined ? text : await lockSecretKey(text, await next(path), cost && { cost })
  await replaceFile(path, written)
  return keyIdText(secretKey.keyId)
}
