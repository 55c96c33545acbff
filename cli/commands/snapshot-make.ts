import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS, withLinks } from '../pairing.ts'
import { snapshotText } from '../snapshot-text.ts'

const MAKE_MS = 60_000

export const snapshotMake: CommandBody = {
  details:
    'Asks the running node of the data folder, which makes one by itself every snapshots.everyMinutes. The folder that it ' +
    'prints can be copied anywhere and verified offline; linked hubs can fetch it. The key of the role snapshot signs, for ' +
    'which the hub key signs by itself where it lies open beside the node; else see key delegate.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate snapshot make --data ./hub', says: 'its number, content id and folder' }],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const made = await withLinks(invocation, (_, { snapshots }) => snapshots.snapshot_make({}), MAKE_MS)
    invocation.show(made, () => snapshotText(made, undefined, invocation))
    return EXIT.ok
  }
}
