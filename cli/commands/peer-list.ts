import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { every } from '../every.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS, withFederation } from '../operator.ts'
import { linkText, stateText } from '../peer-text.ts'
import { columns, printable } from '../terminal.ts'

export const peerList: CommandBody = {
  details: 'A hub that is not on the list is refused whatever it proves. An empty list refuses all of them.',
  options: [DATA_OPTION],
  examples: [
    {
      line: 'omnigate peer list --data ./hub',
      says: 'who may link, whose treaty has expired, which links are up'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const peers = await withFederation(invocation, federation => every(federation.peer_list({})))
    const nowS = Math.floor(Date.now() / 1000)
    invocation.show({ peers }, () =>
      peers.length === 0
        ? 'no hub may federate with this one'
        : columns([
            ['HUB', 'STATE', 'LINK', 'NOTE'],
            ...peers.map(peer => [peer.hub, stateText(peer, nowS), linkText(peer), printable(peer.note)])
          ])
    )
    return EXIT.ok
  }
}
