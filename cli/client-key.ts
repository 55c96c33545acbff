import { constants, existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { asCalled, shellWord } from './self.ts'

export const KEY_VARIABLE = 'OMNIGATE_CLIENT_KEY'

export const KEY_OPTION: Option = {
  name: 'key',
  value: 'FILE',
  summary: `key of this client (default: ${KEY_VARIABLE} of the environment, else where client init puts it)`,
  completes: 'file'
}

const MAX_BYTES = 4096
// Opening a pipe would otherwise wait for its writer for ever.
const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Where the key of this client lies, and whether somebody said so. */
export interface KeyPlace {
  readonly path: string
  readonly isDefault: boolean
}

export function keyPlace(invocation: Pick<Invocation, 'option' | 'terminal'>): KeyPlace {
  const { env } = invocation.terminal
  const given = invocation.option('key') ?? env[KEY_VARIABLE]
  if (given !== undefined && given !== '') return { path: given, isDefault: false }
  return { path: join(configFolder(env), 'omnigate', 'client.key'), isDefault: true }
}

function configFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CONFIG_HOME: xdg, APPDATA: roaming } = env
  if (process.platform === 'win32' && roaming) return roaming
  return xdg === undefined || xdg === '' ? join(homedir(), '.config') : xdg
}

/** The form in which a key stands in its file. */
export async function newKeyText(): Promise<string> {
  const { generateKeyPair, privateKeyToProtobuf } = await import('@libp2p/crypto/keys')
  const key = await generateKeyPair('Ed25519')
  return `${Buffer.from(privateKeyToProtobuf(key)).toString('base64')}\n`
}

export const peerIdOf = (key: Ed25519PrivateKey): string => key.publicKey.toString()

/** The key of this client; undefined where it has none and nobody named one. @throws as `readClientKey` */
export async function ownKey(
  invocation: Pick<Invocation, 'option' | 'terminal'>
): Promise<Ed25519PrivateKey | undefined> {
  const place = keyPlace(invocation)
  return place.isDefault && !existsSync(place.path) ? undefined : readClientKey(place)
}

/**
 * The client key in a file.
 * @throws CommandError `noInput`, `permission` when others may read it, `badInput` when it holds none; SetupError
 */
export async function readClientKey({ path, isDefault }: KeyPlace): Promise<Ed25519PrivateKey> {
  if (!existsSync(path)) {
    const make = asCalled(`omnigate client init${isDefault ? '' : ` --key ${shellWord(path)}`}`)
    throw new CommandError(EXIT.noInput, `${path}: no client key there; make one with: ${make}`)
  }
  const text = await readSecret(path)
  const { privateKeyFromProtobuf } = await import('@libp2p/crypto/keys')
  try {
    const key = privateKeyFromProtobuf(Buffer.from(text, 'base64'))
    if (key.type === 'Ed25519') return key
  } catch {
    // What a parser says may quote the key.
  }
  throw new CommandError(
    EXIT.badInput,
    `${path}: not a client key, or damaged; give the file that client init made`
  )
}

async function readSecret(path: string): Promise<string> {
  const { systemError } = await import('../node/setup-error.ts')
  try {
    await using file = await open(path, READ_WITHOUT_WAITING)
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > MAX_BYTES)
      throw new CommandError(EXIT.badInput, `${path}: not a client key; give the file that client init made`)
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
      throw new CommandError(
        EXIT.permission,
        `${path}: others may read this key; run: chmod 600 ${shellWord(path)}`
      )
    return await file.readFile('utf8')
  } catch (error) {
    throw systemError(path, error)
  }
}
