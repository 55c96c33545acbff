import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import { dateText } from '../moment.ts'
import { asCalled, shellWord } from '../self.ts'
import { facts } from '../terminal.ts'

export const restore: CommandBody = {
  details:
    'Checks the backup and leaves it as it is. The folder has an audit log of its own, whose first entry names the log of ' +
    'before; that lies in audit-before. What was revoked after the backup was taken is not revoked in the new folder: ' +
    'revoke it again. Never run two nodes with the keys of one. Blobs are not in a backup: a folder blobs that was copied from ' +
    'the stopped node goes into the new data folder before the start.',
  arguments: [{ name: 'DIR', summary: 'folder that omnigate backup made', completes: 'folder' }],
  options: [{ ...DATA_OPTION, summary: 'new or empty folder to make the data folder in' }],
  examples: [
    { line: 'omnigate restore /mnt/copies/hub-1 --data ./hub', says: 'then: omnigate start --data ./hub' }
  ],
  exits: ['badInput', 'noInput', 'newerFormat', 'cannotCreate', 'io', 'permission', 'interrupted'],
  async run(invocation) {
    const { restoreBackup } = await import('../../node/index.ts')
    const from = invocation.neededArgument('DIR')
    const data = invocation.neededOption(DATA_OPTION)
    const { folder, hubId, taken, before, origin } = await interruptible('restore', signal =>
      restoreBackup(from, data, { signal })
    )
    const shown = { data: folder, hub_id: hubId, taken, log: origin, before }
    invocation.show(shown, () =>
      facts(
        [
          ['data', folder],
          ['hub', hubId],
          ['as of', dateText(taken)],
          ['log', origin],
          ['before it', `${before.origin}, ${before.size} entries`],
          ['blobs', 'none'],
          ['next', asCalled(`omnigate start --data ${shellWord(data)}`)]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
