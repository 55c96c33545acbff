import { BLOB_ARGUMENTS, BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import { CommandError } from '../command-error.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { dateText } from '../moment.ts'
import { bytesText } from '../quantity.ts'
import { facts, printable } from '../terminal.ts'

export const blobStat: CommandBody = {
  details: `A blob that is not there and one that is not yours have the same answer, and exit code 1. ${CALLER_DETAILS}`,
  arguments: BLOB_ARGUMENTS,
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate blob stat bafkrei...', says: 'to a client' },
    { line: 'omnigate blob stat bafkrei... --data ./hub --tenant clinic', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cid = invocation.neededArgument('CID')
    return withBlobs(invocation, async ({ rows, calling }) => {
      const stat = await rows.stat({ cid }, calling)
      const { blob, blobs, bytes, bytes_most: most } = stat
      if (blob === undefined) throw new CommandError(EXIT.failed, `${cid}: the node told nothing of it`)
      invocation.show(stat, () =>
        facts(
          [
            ['blob', blob.cid],
            [
              'content',
              `${bytesText(blob.len)}${blob.content_type === undefined ? '' : `, ${printable(blob.content_type)}`}`
            ],
            ['class', blob.class],
            ['stored', `${bytesText(blob.stored_bytes)}, since ${timeOf(blob.stored_at)}`],
            ['pinned', blob.pinned ? 'yes' : 'no'],
            ['expires', blob.expires_at === undefined ? undefined : timeOf(blob.expires_at)],
            ['tenant', `${blobs} blobs, ${bytesText(bytes)} of ${bytesText(most)}`]
          ],
          invocation.terminal
        )
      )
      return EXIT.ok
    })
  }
}

const timeOf = (ms: number): string => dateText(Math.floor(ms / 1000))
