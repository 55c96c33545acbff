import { resolve } from 'node:path'
import { withAudit } from '../audit-client.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import { asCalled, shellWord } from '../self.ts'
import { facts } from '../terminal.ts'
import { OPERATOR_EXITS } from '../operator.ts'

export const backup: CommandBody = {
  details:
    'The running node writes the copy itself and goes on serving; while no node runs, this command does. DIR appears once ' +
    'it is whole. It has the keys of the hub in it: whoever can read it is the hub. The audit log tells of each backup. Blobs ' +
    'are not in it: stop the node and copy the folder blobs, or have them put again.',
  arguments: [{ name: 'DIR', summary: 'new or empty folder for the copy', completes: 'folder' }],
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate backup /mnt/copies/hub-1 --data ./hub', says: 'while the node runs, or not' }],
  exits: [...OPERATOR_EXITS, 'cannotCreate', 'interrupted'],
  async run(invocation) {
    const folder = resolve(invocation.neededArgument('DIR'))
    const { terminal } = invocation
    const made = await interruptible('backup', signal =>
      withAudit(
        invocation,
        async ({ audit }) => {
          terminal.progress('copying')
          try {
            return await audit.admin.backup({ folder }, { signal })
          } finally {
            terminal.progress('')
          }
        },
        { mayBegin: true }
      )
    )
    const next = asCalled(`omnigate restore ${shellWord(folder)} --data DIR`)
    invocation.show(made, () =>
      facts(
        [
          ['backup', made.folder],
          ['log', made.origin],
          ['entries', made.size],
          ['root', made.root],
          ['blobs', 'not in it'],
          ['restore', next]
        ],
        terminal
      )
    )
    return EXIT.ok
  }
}
