import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withOperator } from '../operator.ts'
import { facts } from '../terminal.ts'
import { TENANT_ARGUMENT } from './tenant-show.ts'

export const tenantRemove: CommandBody = {
  details:
    'Its name and limits stay, and tenant add with its id brings it back. With --purge nothing but its id is kept, ' +
    `which is never given out again. ${OPERATOR_DETAILS}`,
  arguments: [TENANT_ARGUMENT],
  options: [DATA_OPTION, { name: 'purge', summary: 'forget it for ever' }],
  examples: [
    { line: 'omnigate tenant remove --data ./hub clinic', says: 'it can come back' },
    { line: 'omnigate tenant remove --data ./hub clinic --purge', says: 'it cannot' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const tenant = invocation.neededArgument(TENANT_ARGUMENT.name)
    const { id, name, state } = await withOperator(invocation, operator =>
      operator.tenant_remove({ tenant, ...(invocation.flag('purge') && { purge: true }) })
    )
    invocation.show({ id, name, state }, () =>
      facts(
        [
          ['tenant', name],
          ['id', id],
          ['state', state]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
