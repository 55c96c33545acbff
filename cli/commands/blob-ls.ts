import type { BlobRow } from '../../protocols/index.ts'
import { BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import type { BlobPlace } from '../blob/place.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { bytesText } from '../quantity.ts'
import { columns, printable } from '../terminal.ts'
import { wholeOption } from '../mailbox/numbers.ts'

const BLOBS = 64
const MOST = 1_000_000
const PAGE = 128

export const blobLs: CommandBody = {
  details: `In the order of their content ids. ${CALLER_DETAILS}`,
  arguments: [NODE_ARGUMENT],
  options: [
    { name: 'count', value: 'N', summary: `at most so many (default: ${BLOBS})`, completes: 'nothing' },
    { name: 'after', value: 'CID', summary: 'only those that follow this one', completes: 'nothing' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate blob ls', says: 'to a client' },
    { line: 'omnigate blob ls --data ./hub --tenant clinic --count 1000', says: 'to the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const count = wholeOption(invocation, 'count', [1, MOST]) ?? BLOBS
    const after = invocation.option('after')
    return withBlobs(invocation, async place => {
      const { blobs, next } = await listed(place, count, after)
      const more = next === undefined ? '' : `\nthere are more: --after ${next}`
      invocation.show({ blobs, ...(next !== undefined && { next }) }, () =>
        blobs.length === 0 ? 'no blobs' : `${columns([HEADS, ...blobs.map(rowOf)])}${more}`
      )
      return EXIT.ok
    })
  }
}

const HEADS = ['CID', 'BYTES', 'CLASS', 'PINNED', 'TYPE']

const rowOf = ({ cid, len, class: blobClass, pinned, content_type: type }: BlobRow): string[] => [
  cid,
  bytesText(len),
  blobClass,
  pinned ? 'yes' : 'no',
  printable(type ?? '')
]

async function listed({ rows, calling }: BlobPlace, count: number, from: string | undefined) {
  const blobs: BlobRow[] = []
  let after = from
  for (;;) {
    const max = Math.min(PAGE, count - blobs.length)
    const page = await rows.list({ max, ...(after !== undefined && { after }) }, calling)
    blobs.push(...page.blobs)
    if (blobs.length >= count || page.next === undefined || page.next === after)
      return { blobs, next: page.next }
    after = page.next
  }
}
