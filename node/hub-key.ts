import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hubId } from '../federation/index.ts'
import { readSecretFile } from './durable-file.ts'
import { unlockSecretKey } from './minisign-password.ts'
import {
  type MinisignSecretFile,
  type MinisignSecretKey,
  MinisignError,
  isPasswordProtected,
  parseSecretKey
} from './minisign.ts'
import { SetupError } from './setup-error.ts'

const MAX_BYTES = 8192

/** The secret half of the hub key beside a node: open, under a password, or kept elsewhere. */
export type HubKeyPlace = 'here' | 'locked' | 'elsewhere'

/** What a person gave for a command to sign with. */
export interface HubKeyGiven {
  /** The secret key file, when it is not the `hub.key` of the folder. */
  readonly file?: string | undefined
  /** Asked only when the file is protected. */
  readonly password?: ((file: string) => Promise<string>) | undefined
}

export const hubKeyPath = (keysFolder: string): string => join(keysFolder, 'hub.key')

/**
 * The hub key of a folder of keys for what signs only if it can; undefined when it is kept elsewhere or a password
 * protects it. @throws SetupError `permission`, `badInput`.
 */
export async function readHubKey(keysFolder: string): Promise<MinisignSecretKey | undefined> {
  const path = hubKeyPath(keysFolder)
  if (!existsSync(path)) return undefined
  const text = await readSecretFile(path, { maxBytes: MAX_BYTES })
  try {
    return isPasswordProtected(text) ? undefined : parseSecretKey(text)
  } catch {
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  }
}

/**
 * The hub key for a command that cannot do without it. The caller lets go of it when it has signed.
 * @throws SetupError `noInput` when it is kept elsewhere and was not given, `permission` when others may read the file,
 * `badInput` for a wrong password, a damaged file, or the key of another hub.
 */
export async function openHubKey(
  keysFolder: string,
  publicKey: Uint8Array,
  given: HubKeyGiven = {}
): Promise<MinisignSecretFile> {
  const path = given.file ?? hubKeyPath(keysFolder)
  if (given.file === undefined && !existsSync(path))
    throw new SetupError(
      'noInput',
      `${path}: the hub key is kept elsewhere; give the file that it is in with --hub-key FILE`
    )
  const opened = await openSecretKey(path, given.password)
  const found = hubId(opened.secretKey.publicKey)
  if (found === hubId(publicKey)) return opened
  throw new SetupError('badInput', `${path}: is the key of hub ${found}, and this is hub ${hubId(publicKey)}`)
}

/** A secret key file, opened; `prefix` is that of the options which give its password. @throws SetupError as `openHubKey` */
export async function openSecretKey(
  path: string,
  password: HubKeyGiven['password'],
  prefix: '' | 'new-' = ''
): Promise<MinisignSecretFile> {
  const text = await readSecretFile(path, { maxBytes: MAX_BYTES })
  try {
    if (!isPasswordProtected(text)) return await unlockSecretKey(text, '')
    if (password === undefined) throw needsPassword(path, prefix)
    return await unlockSecretKey(text, await password(path))
  } catch (error) {
    if (!(error instanceof MinisignError)) throw error
    throw new SetupError('badInput', `${path}: ${error.message.replace(/^secret key: /, '')}`)
  }
}

const needsPassword = (path: string, prefix: string): SetupError =>
  new SetupError(
    'noInput',
    `${path}: protected by a password; give it with --${prefix}password-file FILE or --${prefix}password-env NAME, or at a terminal`
  )
