import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { facts, printable } from '../terminal.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const peerRemove: CommandBody = {
  details: `Its treaty is forgotten; keep what treaty show prints if it may come back. ${OPERATOR_DETAILS}`,
  arguments: [HUB_ARGUMENT],
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate peer remove --data ./hub h1...', says: 'from now on it is refused' }],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const { note } = await withFederation(invocation, federation => federation.peer_remove({ hub }))
    invocation.show({ removed: hub }, () =>
      facts(
        [
          ['removed', hub],
          ['note', printable(note)]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
