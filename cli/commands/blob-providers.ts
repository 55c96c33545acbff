import { BLOB_ARGUMENTS, BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import { providersText } from '../blob/providers-text.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const blobProviders: CommandBody = {
  details:
    'The node itself, linked hubs that say so, and those that the DHT names. A caller without a capability is told of ' +
    `the node itself alone. The exit is 1 when nobody says so. ${CALLER_DETAILS}`,
  arguments: BLOB_ARGUMENTS,
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate blob providers bafkrei...', says: 'to a client' },
    { line: 'omnigate blob providers bafkrei... --data ./hub', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cid = invocation.neededArgument('CID')
    return withBlobs(invocation, async ({ rows, calling }) => {
      const { providers } = await rows.providers({ cid }, calling)
      invocation.show({ cid, providers }, () => providersText(providers))
      return providers.length === 0 ? EXIT.failed : EXIT.ok
    })
  }
}
