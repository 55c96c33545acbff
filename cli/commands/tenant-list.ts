import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { every } from '../every.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS, withOperator } from '../operator.ts'
import { limitsText } from '../tenant-text.ts'
import { columns } from '../terminal.ts'

export const tenantList: CommandBody = {
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate tenant list --data ./hub', says: 'names, ids, and what each may spend on an app' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const tenants = await withOperator(invocation, operator => every(operator.tenant_list({})))
    invocation.show({ tenants }, () =>
      columns([
        ['TENANT', 'ID', 'STATE', 'EACH APP'],
        ...tenants.map(({ name, id, state, calls_per_second, burst, bytes_per_second }) => [
          name,
          id,
          state,
          limitsText(calls_per_second, burst, bytes_per_second)
        ])
      ])
    )
    return EXIT.ok
  }
}
