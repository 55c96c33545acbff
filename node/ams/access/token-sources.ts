import { readSecretFile } from '../../durable-file.ts'
import { SetupError } from '../../setup-error.ts'
import { MAX_TOKEN_CHARACTERS } from './presented-token.ts'
import { staticToken } from './static-tokens.ts'
import type { StaticToken, TokenRole } from './static-tokens.ts'

/** Where a token comes from: its text, or a file that holds it and nothing else. */
export type TokenSource = { readonly name: string; readonly role: TokenRole } & (
  { readonly text: string } | { readonly file: string }
)

const ROLES: readonly TokenRole[] = ['read', 'write', 'admin']
const envName = (role: TokenRole): string => `env-${role}`

/** Names that tokens of the environment have, so that none of a file may. */
export const ENV_TOKEN_NAMES: readonly string[] = ROLES.map(envName)

/**
 * The tokens that the environment gives: `AMS_WRITE_TOKEN` under the name `env-write`, or `AMS_WRITE_TOKEN_FILE`, and the
 * same of READ and ADMIN. An empty variable gives none.
 * @throws SetupError `config` where both of one role are set.
 */
export function envTokens(env: Readonly<Record<string, string | undefined>>): readonly TokenSource[] {
  return ROLES.flatMap((role): readonly TokenSource[] => {
    const variable = `AMS_${role.toUpperCase()}_TOKEN`
    const { [variable]: text = '', [`${variable}_FILE`]: file = '' } = env
    if (text !== '' && file !== '')
      throw new SetupError('config', `${variable} and ${variable}_FILE are both set; unset one`)
    const name = envName(role)
    if (text !== '') return [{ name, role, text }]
    return file === '' ? [] : [{ name, role, file }]
  })
}

/** @throws SetupError that names the file or the token, and holds nothing of its text. */
export async function tokensFrom(sources: readonly TokenSource[]): Promise<readonly StaticToken[]> {
  return Promise.all(
    sources.map(async source => {
      const { name, role } = source
      if ('text' in source) return staticToken(name, role, source.text)
      const content = await readSecretFile(source.file, { maxBytes: MAX_TOKEN_CHARACTERS + 2 })
      return staticToken(name, role, content.replace(/\r?\n$/, ''))
    })
  )
}
