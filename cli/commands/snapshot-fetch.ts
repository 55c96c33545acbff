import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS, withLinks } from '../pairing.ts'
import { snapshotText } from '../snapshot-text.ts'

const FETCH_MS = 90_000

export const snapshotFetch: CommandBody = {
  details:
    'The running node asks the hub for the number and content id, fetches the package and proves all of it before it writes ' +
    'anything: each file, the seal, the hub, that it has not expired, and that it goes on from the newest one kept. A refusal ' +
    'is in the audit log and ends with exit 1 and its name: rollback for an older one, split for two of one number. The treaty ' +
    'of that hub must share the class federated and the verb storage:get.',
  arguments: [{ name: 'HUB', summary: 'the hub id', completes: 'nothing' }],
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate snapshot fetch --data ./hub h1...', says: 'the newest one of a linked hub' }],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument('HUB')
    const taken = await withLinks(
      invocation,
      (_, { snapshots }) => snapshots.snapshot_fetch({ hub }),
      FETCH_MS
    )
    invocation.show(taken, () => snapshotText(taken, taken.verdict, invocation))
    return EXIT.ok
  }
}
