import { JSON_BODY, get, post } from './guide-step.ts'
import type { Section, Step } from './guide-step.ts'

const TOPIC = 'topic=guide/$AMS_ID'
const RECV = '/mailbox/v1/recv'
const ACK = '/mailbox/v1/ack'
/** The id and the lease of the message in the file of an answer. */
const LEASED = String.raw`$(sed -n 's/.*\("msg_id":"[^"]*"\).*\("lease":"[^"]*"\).*/{\1,\2}/p' guide.json)`
const BLOB = '/storage/v1/{cid}'
/** Of `hello`. */
const CID = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
const blobAt = (url: string): string => `'${url}${BLOB.replace('{cid}', CID)}'`

/** Who shows no token brings something to the tenant, and reads its blobs, only where anybody may write. */
const OF_TENANT: Partial<Step> = {
  needsToken: ({ writeMode, sandbox }) => writeMode !== 'open' || sandbox !== ''
}
/** What lies in a mailbox is for who has a token. */
const OF_RECEIVER: Partial<Step> = { needsToken: () => true }

/** What becomes calls to services of the node. @see specs/http.md */
export const CALLS: readonly Section[] = [
  {
    title: 'Mailbox',
    text: () =>
      'A topic keeps messages until somebody takes them and says so; anybody who may write may send, and who takes them shows a token. A message that is not acknowledged before its lease ends comes again. `/mailbox/v1/subscribe` gives them as server-sent events as they come.',
    steps: [
      post('Send a message', '/mailbox/v1/send', '', {
        ...OF_TENANT,
        status: 200,
        line: url => `curl -sS TOKEN${JSON_BODY} '{"body":"hello"}' "${url}/mailbox/v1/send?${TOPIC}"`
      }),
      post('Take one, under a lease', RECV, '', {
        ...OF_RECEIVER,
        status: 200,
        line: url => `curl -sS TOKEN${JSON_BODY} '{"max":1}' -o guide.json "${url}${RECV}?${TOPIC}"`
      }),
      post('Acknowledge it, so that it does not come again', ACK, '', {
        ...OF_RECEIVER,
        status: 200,
        line: url => `curl -sS TOKEN${JSON_BODY} "{\\"items\\":[${LEASED}]}" "${url}${ACK}?${TOPIC}"`
      }),
      post('How a topic stands', '/mailbox/v1/stats', '', {
        ...OF_RECEIVER,
        status: 200,
        line: url => `curl -sS TOKEN${JSON_BODY} '{}' "${url}/mailbox/v1/stats?${TOPIC}"`
      })
    ]
  },
  {
    title: 'Blobs',
    text: () => 'Bytes of any length under the id of their content, which whoever has them can check.',
    steps: [
      {
        says: 'Keep one; the answer is 200 where it was there before',
        status: 201,
        needs: `PUT ${BLOB}`,
        role: 'write',
        ...OF_TENANT,
        line: url => `curl -sS TOKEN-X PUT -H 'Content-Type: text/plain' --data-binary 'hello' ${blobAt(url)}`
      },
      get('Read it', BLOB, { ...OF_TENANT, line: url => `curl -sS TOKEN${blobAt(url)}` }),
      get('A part of it', BLOB, {
        ...OF_TENANT,
        status: 206,
        line: url => `curl -sS TOKEN-r 1-3 ${blobAt(url)}`
      }),
      get('Only if it is another: it never is', BLOB, {
        ...OF_TENANT,
        status: 304,
        line: url => `curl -sS TOKEN-H 'If-None-Match: "${CID}"' ${blobAt(url)}`
      })
    ]
  }
]
