import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CapabilityClient } from '../node/index.ts'
import { newKeyText, peerIdOf, readClientKey } from './client-key.ts'
import { shellWord } from './self.ts'
import { isOapError } from './oap-error.ts'

const ECHO = 0x0001
const MAILBOX = 0x0201
const STORAGE = 0x0301
/** What the token of a first client allows, and the app of each: all of the echo, the mailbox and storage. */
export const FIRST_VERBS: readonly (readonly [verb: string, app: number])[] = [
  ['echo:call', ECHO],
  ['mailbox:send', MAILBOX],
  ['mailbox:recv', MAILBOX],
  ['mailbox:delete', MAILBOX],
  ['mailbox:peek', MAILBOX],
  ['mailbox:stats', MAILBOX],
  ['mailbox:dlq_list', MAILBOX],
  ['mailbox:dlq_redrive', MAILBOX],
  ['mailbox:dlq_purge', MAILBOX],
  ['storage:get', STORAGE],
  ['storage:has', STORAGE],
  ['storage:put', STORAGE],
  ['storage:delete', STORAGE],
  ['storage:pin', STORAGE],
  ['storage:list', STORAGE],
  ['storage:providers', STORAGE],
  ['storage:stat', STORAGE]
]
/** A token that ends sooner is not worth printing. */
const LEAST_LIFE_S = 60
const MAX_TOKEN_CHARS = 8192

/** The client that lies in a data folder, ready to call its node: for whoever tries the node out. */
export interface FolderClient {
  readonly peerId: string
  /** A file for the shell: it sets the variables that client commands read. */
  readonly env: string
  /** Unix seconds. */
  readonly expires: number
}

export interface FolderClientOptions {
  readonly operator: CapabilityClient
  /** Where the node listens. */
  readonly address: string
  readonly ttlS: number
  /** For how long from now its token may be renewed by a program that holds it. */
  readonly renewableS: number
  readonly nowS: number
  /** Makes what is missing, and another token for one that is no good any more. */
  readonly mayMake: boolean
}

/**
 * The client of a data folder; undefined where there is none with a good token, and none may be made.
 * @throws SetupError; OapError when its token is refused, as that for a tenant which was removed is
 */
export async function folderClient(
  data: string,
  { operator, address, ttlS, renewableS, nowS, mayMake }: FolderClientOptions
): Promise<FolderClient | undefined> {
  const folder = join(resolve(data), 'client')
  const paths = { key: join(folder, 'key'), token: join(folder, 'token'), env: join(folder, 'env') }
  if (!existsSync(paths.key)) {
    if (!mayMake) return undefined
    await makeKey(folder, paths.key)
  }
  const peerId = peerIdOf(await readClientKey({ path: paths.key, isDefault: false }))
  const { replaceFile } = await import('../node/index.ts')
  let expires = await goodUntil(paths.token, { operator, peerId, nowS })
  if (expires === undefined) {
    if (!mayMake) return undefined
    const minted = await operator.cap_mint({
      verb: FIRST_VERBS.map(([verb]) => verb).join(','),
      tenant: 'default',
      peer: peerId,
      ttl_s: ttlS,
      renew_until: nowS + renewableS
    })
    await replaceFile(paths.token, `${Buffer.from(minted.body ?? []).toString('base64url')}\n`)
    expires = minted.expires
  }
  await replaceFile(paths.env, envText(address, paths))
  return { peerId, env: paths.env, expires }
}

async function makeKey(folder: string, path: string): Promise<void> {
  const { createFile, systemError } = await import('../node/index.ts')
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw systemError(folder, error)
  })
  await createFile(path, await newKeyText())
}

interface Asking {
  readonly operator: CapabilityClient
  readonly peerId: string
  readonly nowS: number
}

/** When the kept token ends; undefined when there is none, or the hub would refuse it. */
async function goodUntil(path: string, { operator, peerId, nowS }: Asking): Promise<number | undefined> {
  const { inspectToken, tokenBytes } = await import('../protocols/index.ts')
  const text = existsSync(path) ? await readFile(path, 'utf8') : ''
  if (text.length > MAX_TOKEN_CHARS) return undefined
  try {
    const body = tokenBytes(text.trim())
    const { expires } = inspectToken(body).limits
    if (expires < nowS + LEAST_LIFE_S) return undefined
    const verdicts = FIRST_VERBS.map(([verb, app]) => operator.cap_verify({ verb, app, peer: peerId, body }))
    return (await Promise.all(verdicts)).every(({ allowed }) => allowed) ? expires : undefined
  } catch (error) {
    if (isOapError(error)) return undefined
    throw error
  }
}

interface Paths {
  readonly key: string
  readonly token: string
}

const envText = (address: string, { key, token }: Paths): string =>
  [
    '# For a shell: which node omnigate calls, with which key and which capability.',
    `export RON_NODE_URL=${shellWord(address)}`,
    `export OMNIGATE_CLIENT_KEY=${shellWord(key)}`,
    `export RON_CAP="$(cat ${shellWord(token)})"`,
    ''
  ].join('\n')
