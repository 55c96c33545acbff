import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { dateText } from '../moment.ts'
import { PAIRING_EXITS, withLinks } from '../pairing.ts'
import { columns } from '../terminal.ts'

export const snapshotList: CommandBody = {
  details:
    'Those of this hub, and the newest of each hub that any was fetched of; with --hub all that are kept of one. ' +
    'snapshots.keep and snapshots.keepPerHub say how many there are.',
  options: [
    DATA_OPTION,
    { name: 'hub', value: 'HUB', summary: 'of this hub alone, also of the own one', completes: 'nothing' }
  ],
  examples: [{ line: 'omnigate snapshot list --data ./hub', says: 'numbers, times and folders' }],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const hub = invocation.option('hub')
    const found = await withLinks(invocation, (_, { snapshots }) =>
      snapshots.snapshot_list({ ...(hub !== undefined && { hub }) })
    )
    invocation.show(found, () =>
      found.snapshots.length === 0
        ? `none yet; the next one of this hub is due at ${dateText(found.due)}`
        : columns([
            ['NUMBER', 'HUB', 'MADE', 'GOOD UNTIL', 'FOLDER'],
            ...found.snapshots.map(row => [
              String(row.seq),
              row.hub,
              dateText(row.created),
              dateText(row.expires),
              row.folder
            ])
          ])
    )
    return EXIT.ok
  }
}
