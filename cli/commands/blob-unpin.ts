import { BLOB_ARGUMENTS, BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { durationS } from '../moment.ts'

export const blobUnpin: CommandBody = {
  details: `It stays where it is until somebody removes it, or for as long as --ttl says. ${CALLER_DETAILS}`,
  arguments: BLOB_ARGUMENTS,
  options: [
    { name: 'ttl', value: 'TIME', summary: 'how long it is kept from now: 12h, 30d', completes: 'nothing' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate blob unpin bafkrei...', says: 'to a client' },
    { line: 'omnigate blob unpin bafkrei... --ttl 30d --data ./hub', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cid = invocation.neededArgument('CID')
    const ttl = invocation.option('ttl')
    const ttlS = ttl === undefined ? undefined : durationS('ttl', ttl)
    return withBlobs(invocation, async ({ rows, calling }) => {
      const unpinned = await rows.unpin({ cid, ...(ttlS !== undefined && { ttl_s: ttlS }) }, calling)
      const kept = ttl === undefined ? '' : `, kept for ${ttl}`
      invocation.show(unpinned, () => `${unpinned.cid} unpinned${kept}`)
      return EXIT.ok
    })
  }
}
