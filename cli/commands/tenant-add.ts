import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withOperator } from '../operator.ts'
import { tenantText } from '../tenant-text.ts'

export const tenantAdd: CommandBody = {
  details: `Tokens are minted for one tenant each. ${OPERATOR_DETAILS}`,
  arguments: [{ name: 'NAME', summary: '1 to 63 of a-z, 0-9 and -', completes: 'nothing' }],
  options: [
    DATA_OPTION,
    {
      name: 'id',
      value: 'UUID',
      summary: 'its id (default: a new one); names a removed tenant to bring it back',
      completes: 'nothing'
    }
  ],
  examples: [
    { line: 'omnigate tenant add --data ./hub clinic', says: 'a tenant with a new id' },
    {
      line: 'omnigate tenant add --data ./hub clinic --id 7b0c9f3e-...',
      says: 'the same tenant on another hub'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const name = invocation.neededArgument('NAME')
    const id = invocation.option('id')
    const tenant = await withOperator(invocation, operator =>
      operator.tenant_add({ name, ...(id !== undefined && { id }) })
    )
    invocation.show(tenant, () => tenantText(tenant, invocation.terminal))
    return EXIT.ok
  }
}
