import { parseJson } from '../../../protocols/index.ts'
import type { FederationCase } from './federation-case.ts'
import { Talk, call, corrOf, refused, textIn } from './talk.ts'

const MOST_BYTES = 4_194_304
const LAST = 2 ** 53 - 1

/** What a node tells of its snapshots: federation-snapshots.md, section 5. */
export const SNAPSHOT_CASES: readonly FederationCase[] = [
  {
    id: 'link-snapshot',
    about:
      'the newest snapshot is named with its number, digest and package, where there is one; else 404 no_snapshot',
    steps: parties => [
      ...new Talk(parties).all(),
      { send: call(3, { op: 'snapshot' }) },
      {
        expect_such: {
          corr_id: corrOf(3),
          words: 'a snapshot, or 404 no_snapshot',
          isError: 'either',
          fault: ([frame]) => {
            const answer = parseJson(frame!.payload)
            if (frame!.code === 404)
              return answer['code'] === 'no_snapshot' ? undefined : textIn(answer, 'code')
            const { seq, bytes } = answer
            const isWhole = (value: unknown, most: number) =>
              Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most
            if (!isWhole(seq, LAST) || !isWhole(bytes, MOST_BYTES)) return JSON.stringify(answer)
            return /^[0-9a-f]{64}$/.test(textIn(answer, 'sha256')) &&
              /^b[a-z2-7]+$/.test(textIn(answer, 'cid'))
              ? undefined
              : JSON.stringify(answer)
          }
        }
      }
    ]
  },
  {
    id: 'link-snapshot-none',
    about: 'a number of no snapshot is 404 no_snapshot, and what is no number 400 bad_request',
    steps: parties => [
      ...new Talk(parties).all(),
      { send: call(3, { op: 'snapshot', seq: LAST }) },
      refused(3, 404, 'no_snapshot'),
      { send: call(4, { op: 'snapshot', seq: 0 }) },
      refused(4, 400, 'bad_request'),
      { send: call(5, { op: 'snapshot', seq: '1' }) },
      refused(5, 400, 'bad_request')
    ]
  }
]
