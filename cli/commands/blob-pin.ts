import { BLOB_ARGUMENTS, BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const blobPin: CommandBody = {
  details: `A pinned blob does not expire, and cannot be removed. ${CALLER_DETAILS}`,
  arguments: BLOB_ARGUMENTS,
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate blob pin bafkrei...', says: 'to a client' },
    { line: 'omnigate blob pin bafkrei... --data ./hub --tenant clinic', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cid = invocation.neededArgument('CID')
    return withBlobs(invocation, async ({ rows, calling }) => {
      const pinned = await rows.pin({ cid }, calling)
      invocation.show(pinned, () => `${pinned.cid} pinned`)
      return EXIT.ok
    })
  }
}
