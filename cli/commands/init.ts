import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { makeDataFolder } from '../new-data-folder.ts'
import { selfCommand, shellWord } from '../self.ts'
import { facts } from '../terminal.ts'

export const init: CommandBody = {
  details:
    'Makes the key of a hub, the key of its node, and the delegation of the one to the other. ' +
    'It never overwrites: a folder that has keys is left as it is.',
  options: [
    { ...DATA_OPTION, summary: 'folder to make; it may exist if it is empty' },
    { name: 'name', value: 'NODE', summary: 'name of the node within its hub (default: node1)' }
  ],
  examples: [
    { line: 'omnigate init --data ./hub', says: 'keys and configuration in ./hub, for its owner alone' },
    { line: 'omnigate init --data ./hub --name paris-2', says: 'the node is called paris-2' }
  ],
  exits: ['badInput', 'cannotCreate', 'io', 'inUse', 'permission', 'config'],
  async run(invocation) {
    const data = invocation.neededOption(DATA_OPTION)
    const keys = await makeDataFolder(data, invocation.option('name') ?? 'node1')
    const { dataFolderPaths } = await import('../../node/index.ts')
    const { folder, config } = dataFolderPaths(data)
    const next = `${selfCommand()} start --data ${shellWord(data)}`
    invocation.show({ hub_id: keys.hubId, peer_id: keys.peerId, data: folder, config }, () =>
      facts(
        [
          ['hub', keys.hubId],
          ['peer', keys.peerId],
          ['data', folder],
          ['config', config],
          ['next', next]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
