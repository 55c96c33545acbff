import type { CommandBody } from '../command.ts'
import { DATA_OPTION } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { TOKENS_DETAILS, TOKEN_EXITS, TOKEN_NAME, tokensOf } from '../tokens.ts'

const ROLES = ['read', 'write', 'admin'] as const

export const tokenAdd: CommandBody = {
  details:
    'Prints the text of the token, which is kept nowhere: it cannot be shown again. Callers send it as ' +
    `"Authorization: Bearer TOKEN" or "x-ams-token: TOKEN". ${TOKENS_DETAILS}`,
  arguments: [TOKEN_NAME],
  options: [
    DATA_OPTION,
    {
      name: 'role',
      value: 'ROLE',
      summary: 'read, write (and read), or admin (and both)',
      isRequired: true,
      completes: 'nothing'
    }
  ],
  examples: [
    {
      line: 'omnigate token add --data ./hub bot --role write > bot.token',
      says: 'a token to write with, in a file'
    },
    { line: 'omnigate token add --data ./hub anna --role admin', says: 'one to moderate with' }
  ],
  exits: [...TOKEN_EXITS, 'cannotCreate'],
  async run(invocation) {
    const name = invocation.neededArgument(TOKEN_NAME.name)
    const given = invocation.neededOption({ name: 'role', value: 'ROLE' })
    const role = ROLES.find(one => one === given)
    if (role === undefined) throw new CommandError(EXIT.usage, `--role: must be one of ${ROLES.join(', ')}`)
    const tokens = await tokensOf(invocation)
    const { token, text } = await tokens.add(name, role)
    invocation.show({ ...token, token: text }, () => text)
    if (!invocation.isJson)
      invocation.terminal.note(`token ${name}, role ${role}, shown this once; sha256 ${token.sha256}`)
    return EXIT.ok
  }
}
