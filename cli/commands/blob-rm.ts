import { BLOB_ARGUMENTS, BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const blobRm: CommandBody = {
  details:
    'It is gone for its tenant at once; what no other blob and no other tenant has of it is collected within minutes. ' +
    `A pinned blob stays until it is unpinned. ${CALLER_DETAILS}`,
  arguments: BLOB_ARGUMENTS,
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate blob rm bafkrei...', says: 'to a client' },
    { line: 'omnigate blob rm bafkrei... --data ./hub --tenant clinic', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cid = invocation.neededArgument('CID')
    return withBlobs(invocation, async ({ rows, calling }) => {
      const gone = await rows.delete({ cid }, calling)
      invocation.show(gone, () => `${gone.cid} removed`)
      return EXIT.ok
    })
  }
}
