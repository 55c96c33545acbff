import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { peerText } from '../peer-text.ts'

const SUCCESSOR = {
  name: 'HUB',
  summary: 'the hub id under which a hub of the allowlist goes on, as its operator reads it from key show',
  completes: 'nothing'
} as const

export const peerSucceed: CommandBody = {
  details:
    'Both keys have signed that, as peer import or a link told; whoever stole both could have, too, so ask its operator by ' +
    'a way of your own first. The entry with its treaty is the new hub id’s then, and the one before it is not allowed ' +
    `any more. ${OPERATOR_DETAILS}`,
  arguments: [SUCCESSOR],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate peer succeed --data ./hub h1...', says: 'its operator confirmed it on the phone' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const successor = invocation.neededArgument(SUCCESSOR.name)
    const peer = await withFederation(invocation, federation => federation.peer_succeed({ successor }))
    invocation.show(peer, () => peerText(peer, invocation.terminal, Math.floor(Date.now() / 1000)))
    return EXIT.ok
  }
}
