import { DATA_OPTION } from '../command.ts'
import type { Argument, CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS, withOperator } from '../operator.ts'
import { tenantText } from '../tenant-text.ts'

export const TENANT_ARGUMENT: Argument = {
  name: 'TENANT',
  summary: 'its name or its id',
  completes: 'nothing'
}

export const tenantShow: CommandBody = {
  arguments: [TENANT_ARGUMENT],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate tenant show --data ./hub default', says: 'the tenant that every hub begins with' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const tenant = await withOperator(invocation, operator =>
      operator.tenant_show({ tenant: invocation.neededArgument(TENANT_ARGUMENT.name) })
    )
    invocation.show(tenant, () => tenantText(tenant, invocation.terminal))
    return EXIT.ok
  }
}
