import type { CommandBody } from '../command.ts'
import { DATA_OPTION } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { TOKENS_DETAILS, TOKEN_EXITS, TOKEN_NAME, tokensOf } from '../tokens.ts'

export const tokenRemove: CommandBody = {
  details: `Who shows it afterwards is refused with 401. ${TOKENS_DETAILS}`,
  arguments: [TOKEN_NAME],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate token remove --data ./hub bot', says: 'the token of this name is good no more' }
  ],
  exits: TOKEN_EXITS,
  async run(invocation) {
    const name = invocation.neededArgument(TOKEN_NAME.name)
    await (await tokensOf(invocation)).remove(name)
    invocation.show({ removed: name }, () => `removed ${name}`)
    return EXIT.ok
  }
}
