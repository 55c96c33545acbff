import { randomBytes } from 'node:crypto'
import { parseJson } from '../../../protocols/index.ts'
import type { JsonObject } from '../../../protocols/index.ts'
import { readSecretFile, replaceFile } from '../../durable-file.ts'
import { SetupError } from '../../setup-error.ts'
import { HARDENED_TOKEN_BYTES, MAX_STATIC_TOKENS, StaticTokens, staticToken } from './static-tokens.ts'
import type { StaticToken, TokenRole } from './static-tokens.ts'
import { ENV_TOKEN_NAMES } from './token-sources.ts'

const FORMAT = 1
const MAX_FILE_BYTES = 65_536
const ROLES: readonly unknown[] = ['read', 'write', 'admin']

/** A token that is new; its text is nowhere else. */
export interface NewToken {
  readonly token: StaticToken
  readonly text: string
}

/**
 * The tokens of a file, which only its owner may read; none where it is not there. It holds digests: whoever reads it can show
 * none of the tokens, whoever writes to it can add one.
 * @throws SetupError `badInput` for a file that is damaged, `newerFormat`, `permission`.
 */
export async function readTokenFile(path: string): Promise<readonly StaticToken[]> {
  let text: string
  try {
    text = await readSecretFile(path, { maxBytes: MAX_FILE_BYTES })
  } catch (error) {
    if (error instanceof SetupError && error.reason === 'noInput') return []
    throw error
  }
  const tokens = parsed(path, text)
  // Judged here, so that a token that cannot be used is found before it is needed.
  return new StaticTokens(tokens).list
}

/**
 * Adds a token to a file. Resolves once it would survive a power cut. Changes of one file must come one after the other.
 * @throws SetupError `cannotCreate` where one has the name, or may have it in the environment.
 */
export async function addToken(path: string, name: string, role: TokenRole): Promise<NewToken> {
  if (ENV_TOKEN_NAMES.includes(name))
    throw new SetupError(
      'cannotCreate',
      `token ${JSON.stringify(name)}: is the name of one that the environment gives; choose another`
    )
  const tokens = await readTokenFile(path)
  if (tokens.some(token => token.name === name))
    throw new SetupError('cannotCreate', `token ${JSON.stringify(name)}: is there; remove it first`)
  if (tokens.length >= MAX_STATIC_TOKENS)
    throw new SetupError('cannotCreate', `${path}: has ${tokens.length} tokens, at most that; remove one`)
  const text = `ams_${randomBytes(HARDENED_TOKEN_BYTES).toString('base64url')}`
  const token = staticToken(name, role, text)
  await write(path, [...tokens, token])
  return { token, text }
}

/**
 * Takes a token out of a file. Resolves once that would survive a power cut.
 * @throws SetupError `noInput` where none has the name.
 */
export async function removeToken(path: string, name: string): Promise<void> {
  const tokens = await readTokenFile(path)
  const rest = tokens.filter(token => token.name !== name)
  if (rest.length === tokens.length)
    throw new SetupError(
      'noInput',
      `token ${JSON.stringify(name)}: is not there; see: omnigate token list --data DIR`
    )
  await write(path, rest)
}

const write = (path: string, tokens: readonly StaticToken[]): Promise<void> =>
  replaceFile(path, `${JSON.stringify({ format: FORMAT, tokens }, undefined, 2)}\n`)

function parsed(path: string, text: string): readonly StaticToken[] {
  let content: JsonObject
  try {
    content = parseJson(Buffer.from(text), { maxBytes: MAX_FILE_BYTES })
  } catch {
    throw damaged(path)
  }
  const { format, tokens } = content
  if (typeof format === 'number' && format > FORMAT)
    throw new SetupError(
      'newerFormat',
      `${path}: was written by a newer version of omnigate; update this one`
    )
  if (format !== FORMAT || !Array.isArray(tokens)) throw damaged(path)
  return tokens.map((row: unknown) => {
    if (!isToken(row)) throw damaged(path)
    return row
  })
}

function isToken(row: unknown): row is StaticToken {
  if (typeof row !== 'object' || row === null) return false
  const { name, role, sha256, bytes } = row as Readonly<Record<string, unknown>>
  return (
    typeof name === 'string' &&
    ROLES.includes(role) &&
    typeof sha256 === 'string' &&
    typeof bytes === 'number'
  )
}

const damaged = (path: string): SetupError =>
  new SetupError(
    'badInput',
    `${path}: is no list of tokens; restore it from a backup, or remove it and add them`
  )
