import type { CapRow } from '../../protocols/index.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { every } from '../every.ts'
import { EXIT } from '../exit-codes.ts'
import { leftText } from '../moment.ts'
import { OPERATOR_EXITS, withOperator } from '../operator.ts'
import { columns, printable } from '../terminal.ts'

export const capList: CommandBody = {
  details:
    'What was revoked stays in the list until its tokens expire. Asks the running node of the data folder, or reads ' +
    'the folder itself while no node runs.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate cap list --data ./hub', says: 'what is out there' }],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const { rows, names } = await withOperator(invocation, async operator => {
      const rows = await every(operator.cap_list({}))
      const tenants = await every(operator.tenant_list({}))
      return { rows, names: new Map(tenants.map(({ id, name }) => [id, name])) }
    })
    invocation.show({ capabilities: rows }, () => table(rows, names))
    return EXIT.ok
  }
}

function table(rows: readonly CapRow[], names: ReadonlyMap<string, string>): string {
  if (rows.length === 0) return 'no capabilities'
  const nowS = Math.floor(Date.now() / 1000)
  const lines = rows.map(({ cap_id, kid, tenant, verb, expires }) => [
    cap_id,
    String(kid),
    names.get(tenant) ?? tenant,
    leftText(expires, nowS),
    printable(verb)
  ])
  return columns([['CAPABILITY', 'KID', 'TENANT', 'LEFT', 'VERBS'], ...lines])
}
