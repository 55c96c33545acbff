import type { CommandBody } from '../command.ts'
import { DATA_OPTION } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { columns } from '../terminal.ts'
import { TOKENS_DETAILS, TOKEN_EXITS, tokensOf } from '../tokens.ts'

export const tokenList: CommandBody = {
  details: `Those of the environment (AMS_WRITE_TOKEN and the like) are the node's own and are not listed. ${TOKENS_DETAILS}`,
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate token list --data ./hub', says: 'who may read, write and moderate' }],
  exits: TOKEN_EXITS,
  async run(invocation) {
    const tokens = await (await tokensOf(invocation)).list()
    invocation.show({ tokens }, () =>
      tokens.length === 0
        ? 'no tokens; make one with token add'
        : columns([
            ['NAME', 'ROLE', 'BYTES', 'SHA256'],
            ...tokens.map(({ name, role, bytes, sha256 }) => [name, role, String(bytes), sha256])
          ])
    )
    return EXIT.ok
  }
}
