import { DATA_OPTION } from '../command.ts'
import type { CommandBody, Option } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { peerText } from '../peer-text.ts'
import { treatyBody, treatyDocument, treatyFile } from '../treaty-file.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const ADDRESS_OPTION: Option = {
  name: 'address',
  value: 'MULTIADDR',
  summary: 'where it can be dialled; may be given several times (default: it dials us)',
  isList: true,
  completes: 'nothing'
}

export const NOTE_OPTION: Option = {
  name: 'note',
  value: 'TEXT',
  summary: 'words of your own',
  completes: 'nothing'
}

export const peerAdd: CommandBody = {
  details:
    'Both operators add the other; a link needs both. Check the hub id with the other operator by another way than the ' +
    'one that it came by. Without --treaty the hub may call echo, little of it, and nothing else, so that you both see ' +
    `that the link works. ${OPERATOR_DETAILS}`,
  arguments: [HUB_ARGUMENT],
  options: [
    DATA_OPTION,
    ADDRESS_OPTION,
    {
      name: 'treaty',
      value: 'FILE',
      summary: 'what it may do here, as TOML or JSON, or - for standard input; see treaty check',
      completes: 'file'
    },
    NOTE_OPTION
  ],
  examples: [
    {
      line: 'omnigate peer add --data ./hub h1... --address /dns4/hub.example.org/tcp/4801 --note "the clinic"',
      says: 'a hub that may link, and echo'
    },
    {
      line: 'omnigate peer add --data ./hub h1... --treaty clinic.toml',
      says: 'a hub that dials us, with all that the file says'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const addresses = invocation.list(ADDRESS_OPTION.name) ?? []
    const note = invocation.option(NOTE_OPTION.name)
    const file = invocation.option('treaty')
    const body =
      file === undefined ? undefined : treatyBody(await treatyDocument(await treatyFile(file), file))
    const peer = await withFederation(invocation, federation =>
      federation.peer_add({ hub, addresses, ...(note !== undefined && { note }), ...(body && { body }) })
    )
    invocation.show(peer, () => peerText(peer, invocation.terminal, Math.floor(Date.now() / 1000)))
    return EXIT.ok
  }
}
