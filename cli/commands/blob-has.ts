import { BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, CID_ARGUMENT, withBlobs } from '../blob/place.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const blobHas: Command = {
  name: 'blob has',
  summary: 'ask whether a node has a blob',
  details:
    'The exit is 1 when it has not, or shows it to others only: the answer is the same. Nothing is fetched. ' +
    CALLER_DETAILS,
  arguments: [CID_ARGUMENT, NODE_ARGUMENT],
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate blob has bafkrei...', says: 'to a client' },
    { line: 'omnigate blob has bafkrei... --data ./hub', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cid = invocation.neededArgument('CID')
    return withBlobs(invocation, async ({ rows, calling }) => {
      const { body } = await rows.has({ cids: [cid] }, calling)
      const has = ((body?.[0] ?? 0) & 1) === 1
      invocation.show({ cid, has }, () => (has ? 'yes' : 'no'))
      return has ? EXIT.ok : EXIT.failed
    })
  }
}
