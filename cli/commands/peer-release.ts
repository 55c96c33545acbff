import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { peerText } from '../peer-text.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const peerRelease: CommandBody = {
  details:
    'A hub key that signed two delegations of one place, or two successors, was stolen, or used from two copies. Ask its ' +
    `operator which, and peer remove the hub if in doubt. The proof is kept, and another one puts it in quarantine again. ${OPERATOR_DETAILS}`,
  arguments: [HUB_ARGUMENT],
  options: [DATA_OPTION],
  examples: [
    {
      line: 'omnigate peer release --data ./hub h1...',
      says: 'two machines had the same hub key, and one is gone'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const peer = await withFederation(invocation, federation => federation.peer_release({ hub }))
    invocation.show(peer, () => peerText(peer, invocation.terminal, Math.floor(Date.now() / 1000)))
    return EXIT.ok
  }
}
