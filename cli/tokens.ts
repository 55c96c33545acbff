import type { TokenKeeper } from '../node/index.ts'
import { DATA_OPTION } from './command.ts'
import type { Argument } from './command.ts'
import { dataConfig } from './data-config.ts'
import type { ExitName } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'

export const TOKEN_NAME: Argument = {
  name: 'NAME',
  summary: '1 to 64 of a-z, 0-9, _, . and -, as the audit log names who shows it',
  completes: 'nothing'
}

export const TOKENS_DETAILS =
  'Works on the file of tokens (gateway.tokens), whether the node runs or not; a running one follows it within a second. ' +
  'The file holds digests, so that nobody can read a token from it.'

export const TOKEN_EXITS: readonly ExitName[] = [
  'badInput',
  'noInput',
  'newerFormat',
  'io',
  'inUse',
  'permission',
  'config'
]

/** The tokens of `--data`. @throws SetupError */
export async function tokensOf(invocation: Invocation): Promise<TokenKeeper> {
  const data = invocation.neededOption(DATA_OPTION)
  const { tokenKeeper } = await import('../node/index.ts')
  return tokenKeeper(data, await dataConfig(data, { env: invocation.terminal.env }))
}
