import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { peerText } from '../peer-text.ts'
import { ADDRESS_OPTION, NOTE_OPTION } from './peer-add.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const peerEdit: CommandBody = {
  details: `What it may do here is changed by treaty edit. ${OPERATOR_DETAILS}`,
  arguments: [HUB_ARGUMENT],
  options: [
    DATA_OPTION,
    { ...ADDRESS_OPTION, summary: 'where it can be dialled, in the place of what there is' },
    { name: 'dials-us', summary: 'forget its addresses; it dials this hub' },
    NOTE_OPTION
  ],
  examples: [
    {
      line: 'omnigate peer edit --data ./hub h1... --address /dns4/new.example.org/tcp/4801',
      says: 'it has moved'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const given = invocation.list(ADDRESS_OPTION.name)
    const note = invocation.option(NOTE_OPTION.name)
    const dialsUs = invocation.flag('dials-us')
    if (dialsUs && given !== undefined)
      throw new CommandError(EXIT.usage, '--address and --dials-us: give one of them')
    const addresses = dialsUs ? [] : given
    if (addresses === undefined && note === undefined)
      throw new CommandError(EXIT.usage, 'say what to change: --address, --dials-us or --note')
    const peer = await withFederation(invocation, federation =>
      federation.peer_edit({ hub, ...(addresses && { addresses }), ...(note !== undefined && { note }) })
    )
    invocation.show(peer, () => peerText(peer, invocation.terminal, Math.floor(Date.now() / 1000)))
    return EXIT.ok
  }
}
