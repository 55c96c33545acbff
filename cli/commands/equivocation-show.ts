import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS, withLinks } from '../pairing.ts'

export const equivocationShow: CommandBody = {
  details:
    'One line of JSON that proves it to everybody, without this node: see equivocation verify. Needs a running node.',
  arguments: [{ name: 'PROOF', summary: 'its id, or the beginning of it', completes: 'nothing' }],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate equivocation show --data ./hub 8f3a51c2 > proof.json', says: 'for whoever has to know' }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const id = invocation.neededArgument('PROOF')
    const { body } = await withLinks(invocation, (_links, { witness }) => witness.equivocation_show({ id }))
    // The line itself, also with --json: it is JSON, and another writing of it would be no proof.
    invocation.terminal.result(Buffer.from(body ?? []).toString())
    return EXIT.ok
  }
}
