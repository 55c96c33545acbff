import { DATA_OPTION } from '../command.ts'
import type { Argument, CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS, withFederation } from '../operator.ts'
import { peerText } from '../peer-text.ts'

export const HUB_ARGUMENT: Argument = {
  name: 'HUB',
  summary: 'its hub id, as its operator reads it from key show',
  completes: 'nothing'
}

export const peerShow: CommandBody = {
  details: 'What it may do here, row by row, is printed by treaty show.',
  arguments: [HUB_ARGUMENT],
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate peer show --data ./hub h1...', says: 'addresses, treaty in short, link' }],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const peer = await withFederation(invocation, federation => federation.peer_show({ hub }))
    invocation.show(peer, () => peerText(peer, invocation.terminal, Math.floor(Date.now() / 1000)))
    return EXIT.ok
  }
}
