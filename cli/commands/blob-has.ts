import { BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, CID_ARGUMENT, withBlobs } from '../blob/place.ts'
import { CommandError } from '../command-error.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

/** As many as one call may ask for. */
const MOST = 1024

export const blobHas: CommandBody = {
  details:
    `Of several, one line each, at most ${MOST} at once; the address of the node stands behind them. The exit is 1 when it ` +
    'lacks one, or shows it to others only: the answer is the same. ' +
    `Nothing is fetched. ${CALLER_DETAILS}`,
  arguments: [
    {
      ...CID_ARGUMENT,
      summary: 'the content ids of the blobs, such as bafkrei...',
      isSeveral: true
    },
    NODE_ARGUMENT
  ],
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate blob has bafkrei...', says: 'to a client' },
    { line: 'omnigate blob has bafkrei... bafybei...', says: 'two at once' },
    { line: 'omnigate blob has bafkrei... --data ./hub', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const cids = invocation.neededWords('CID')
    if (cids.length > MOST) throw new CommandError(EXIT.usage, `CID: at most ${MOST} at once`)
    return withBlobs(invocation, async ({ rows, calling }) => {
      const { body } = await rows.has({ cids }, calling)
      const answers = cids.map((_, n) => (((body?.[n >> 3] ?? 0) >> (n & 7)) & 1) === 1)
      for (const [n, has] of answers.entries()) {
        const cid = cids[n]!
        invocation.show({ cid, has }, () => `${has ? 'yes' : 'no'}${cids.length === 1 ? '' : ` ${cid}`}`)
      }
      return answers.every(Boolean) ? EXIT.ok : EXIT.failed
    })
  }
}
