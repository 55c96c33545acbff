import { createHash } from 'node:crypto'
import { decodeRecord, echoService } from '../../../protocols/index.ts'
import type { FederationCase } from './federation-case.ts'
import { UNKNOWN } from './federation-case.ts'
import { DENIED, asked, denied } from './asked.ts'
import { canonical } from './canonical.ts'
import { Talk, answered, call, corrOf, delegation, hex, refused, revocationLine } from './talk.ts'
import type { Parties } from './talk.ts'

/** The most lines that a hub has of all kinds. */
const MAX_LINES = 576
const MAX_PAGE_BYTES = 32_768
const DAY_S = 86_400
/** What is taken is durable before it has an effect. */
const SETTLED_MS = 1000

/** What hubs tell each other of their keys over a link: federation-links.md, section 16. */
export const KEY_CASES: readonly FederationCase[] = [
  {
    id: 'link-keys',
    about: 'keys is answered with whole lines that fit their number and digest',
    steps: parties => [
      ...new Talk(parties).all(),
      { send: call(3, { op: 'keys', from: 0 }) },
      {
        expect_such: {
          corr_id: corrOf(3),
          words: 'a page of all lines',
          fault: frames => {
            const { header, body } = decodeRecord(Buffer.concat(frames.map(({ payload }) => payload)))
            const lines = Buffer.from(body)
              .toString()
              .split(/(?<=\n)/)
            const digest = createHash('sha256').update(body).digest('hex')
            if (body.length > MAX_PAGE_BYTES) return `${body.length} bytes`
            if (lines.some(line => !/^\{.*\}\n$/.test(line))) return 'a line that is not whole'
            // A hub that has more answers with its first page.
            if (header['total'] !== lines.length) return `${lines.length} lines`
            return header['digest'] === digest ? undefined : 'a digest that does not fit'
          }
        }
      }
    ]
  },
  {
    id: 'link-new-keys-many',
    about: 'new_keys of 577 lines, or with an empty line, is 400 bad_request as a whole',
    steps: parties => [
      ...new Talk(parties).all(),
      { send: call(3, { op: 'new_keys' }, Buffer.from('{}\n'.repeat(MAX_LINES + 1))) },
      refused(3, 400, 'bad_request'),
      { send: call(4, { op: 'new_keys' }, Buffer.from(`\n${revocationLine(parties, parties.self)}`)) },
      refused(4, 400, 'bad_request'),
      { send: call(5, { op: 'probe' }) },
      { expect: { flags: ['RESP', 'START', 'END'], corr_id: corrOf(5), code: 0 } }
    ]
  }
]

/** The last of all: the key by which the runner links is revoked in it. */
export const LAST_CASES: readonly FederationCase[] = [
  {
    id: 'link-revoked-key',
    about:
      'a hub that revokes the key of its link loses it at once, and is told 403 not_allowlisted from then on, with a new delegation for that key, too',
    steps: parties => {
      const again = new Talk(parties)
      const anew = new Talk(parties)
      return [
        ...new Talk(parties).all(),
        { send: call(3, { op: 'new_keys' }, Buffer.from(revocationLine(parties, parties.self))) },
        // The answer may be lost with the link.
        { expect: 'close' },
        { connect: true },
        again.hello(),
        again.challenged(),
        again.proof(),
        refused(2, ...UNKNOWN),
        { connect: true },
        anew.hello(),
        anew.challenged(),
        // A delegation that the node has not seen before.
        anew.proof(2, { statement: { epoch: 2 } }),
        refused(2, ...UNKNOWN)
      ]
    }
  }
]

/** Two delegations of one place, by the hub of the runner. */
function splitLines(parties: Parties): Buffer {
  const node = `conformance-split-${hex(4)}`
  const lines = [1, 2].map(days =>
    canonical(delegation(parties, parties.hub, { node, not_after: parties.nowS + days * DAY_S }))
  )
  return Buffer.from(lines.map(line => `${line}\n`).join(''))
}

/** What an operator has to release the hub of the runner from. */
export const SPLIT_CASES: readonly FederationCase[] = [
  {
    id: 'link-quarantine',
    about:
      'a hub that shows two delegations of one place is in quarantine: its link is probed, its calls are 403 quarantine',
    steps: parties => [
      ...new Talk(parties).all(),
      asked(3, echoService.app, { op: 'echo' }),
      { expect: { corr_id: corrOf(3), code: 0 } },
      { send: call(4, { op: 'new_keys' }, splitLines(parties)) },
      answered(4),
      { wait_ms: SETTLED_MS },
      asked(5, echoService.app, { op: 'echo' }),
      denied(5, echoService.app, 'quarantine', DENIED),
      { send: call(6, { op: 'probe' }) },
      answered(6)
    ]
  }
]
