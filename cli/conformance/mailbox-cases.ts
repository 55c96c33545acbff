import { randomBytes } from 'node:crypto'
import {
  MAILBOX_LIMITS,
  decodeBatch,
  decodeRecord,
  mailboxService,
  parseJson
} from '../../protocols/index.ts'
import type { DecodedFrame, VectorFrame } from '../../specs/index.ts'
import type { Conversation, Step } from './vectors.ts'

const SECTION = '12.4'
const SHORT_MS = 250
/** Longer than the shortest lease, and what a node may take to notice. */
const OVER_MS = 600

type Header = Readonly<Record<string, unknown>>

interface Case {
  readonly id: string
  readonly about: string
  readonly steps: (topic: string) => readonly Step[]
}

/** What anyone's mailbox must do with wrong input and with receivers that go: specs/mailbox.md. Each has a topic of its own. */
export function mailboxCases(): Conversation[] {
  const run = randomBytes(6).toString('hex')
  return CASES.map(({ id, about, steps }) => ({
    id: `mailbox-${id}`,
    rule: SECTION,
    about,
    needs: ['mailbox'],
    steps: steps(`conformance/${run}/${id}`)
  }))
}

const corrOf = (n: number): string => n.toString(16).padStart(16, '0')

const call = (n: number, header: Header, body?: string, more: Partial<VectorFrame> = {}): VectorFrame => ({
  flags: ['REQ', 'START', 'END'],
  app: mailboxService.app,
  corr_id: corrOf(n),
  payload: {
    record: { header: { utf8: JSON.stringify(header) }, ...(body !== undefined && { body: { utf8: body } }) }
  },
  ...more
})

const ask = (n: number, header: Header, body?: string): Step => ({ send: call(n, header, body) })

const refused = (n: number, code: number, reason: string): Step => ({
  expect: { flags: ['RESP', 'END'], app: mailboxService.app, corr_id: corrOf(n), code, reason }
})

/** A send that is answered with a new id. */
const stored = (n: number, topic: string, body: string, more: Header = {}): Step[] => [
  ask(n, { op: 'send', topic, ...more }, body),
  { expect: { corr_id: corrOf(n), code: 0, json: { duplicate: false } } }
]

interface Delivered {
  readonly header: Header
  readonly body: string
}

function deliveries(frames: readonly DecodedFrame[]): Delivered[] {
  const { header, body } = decodeRecord(Buffer.concat(frames.map(({ payload }) => payload)))
  return decodeBatch(body, Number(header['count'])).map(bytes => {
    const record = decodeRecord(bytes)
    return { header: record.header, body: Buffer.from(record.body).toString() }
  })
}

/** A recv that is answered with exactly these bodies, each with this attempt; what came is added to `held`. */
const received = (n: number, bodies: readonly string[], attempt = 1, held: Header[] = []): Step => ({
  expect_such: {
    corr_id: corrOf(n),
    words: `deliveries of ${JSON.stringify(bodies)}, attempt ${attempt}`,
    fault: frames => {
      if (frames.some(({ code }) => code !== 0)) return 'an error'
      const found = deliveries(frames)
      held.push(...found.map(({ header }) => header))
      const isSo =
        found.map(({ body }) => body).join('\n') === bodies.join('\n') &&
        found.every(({ header }) => header['attempt'] === attempt)
      return isSo ? undefined : JSON.stringify(found.map(({ body, header }) => [body, header['attempt']]))
    }
  }
})

/** `op` for what was delivered last, its lease changed by `change`. */
const settleLast = (
  n: number,
  header: Header & { readonly op: string },
  change: (lease: string) => string = lease => lease
): Step => ({
  send_after: frames => {
    const items = deliveries(frames).map(({ header: { msg_id, lease } }) => ({
      msg_id,
      lease: change(String(lease))
    }))
    return call(n, { ...header, items })
  }
})

const ackLast = (n: number, topic: string, change?: (lease: string) => string): Step =>
  settleLast(n, { op: 'ack', topic }, change)

/** An ack of the one delivery under the lease of the other. */
const ackHeld = (n: number, topic: string, held: readonly Header[], of: number, leaseOf = of): Step => ({
  send_after: () => {
    const items = [{ msg_id: held[of]!['msg_id'], lease: held[leaseOf]!['lease'] }]
    return call(n, { op: 'ack', topic, items })
  }
})

/** An answer whose only result is so. */
const settled = (n: number, status: number, code?: string): Step => ({
  expect_such: {
    corr_id: corrOf(n),
    words: `one result of status ${status} ${code ?? ''}`,
    keeps: true,
    fault: ([frame]) => {
      const { results } = parseJson(frame!.payload)
      const [result, ...others] = Array.isArray(results) ? (results as Header[]) : []
      const isSo = others.length === 0 && result?.['status'] === status && result['code'] === code
      return isSo ? undefined : JSON.stringify(results)
    }
  }
})

const otherEnd = (lease: string): string => lease.slice(0, -1) + (lease.endsWith('0') ? '1' : '0')

const CASES: readonly Case[] = [
  {
    id: 'send-receive-acknowledge',
    about: 'what was sent is delivered, and gone once it is acknowledged',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ask(2, { op: 'recv', topic }),
      received(2, ['a']),
      ackLast(3, topic),
      settled(3, 0),
      ask(4, { op: 'recv', topic }),
      received(4, [])
    ]
  },
  {
    id: 'priority',
    about: 'the higher priority first, then as they were sent',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ...stored(2, topic, 'b', { priority: 9 }),
      ...stored(3, topic, 'c'),
      ask(4, { op: 'recv', topic }),
      received(4, ['b', 'a', 'c'])
    ]
  },
  {
    id: 'returned',
    about: 'what is given back stands before what was sent later',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ask(2, { op: 'recv', topic }),
      received(2, ['a']),
      ...stored(3, topic, 'b'),
      settleLast(4, { op: 'nack', topic, delay_ms: 0 }),
      settled(4, 0),
      ask(5, { op: 'recv', topic, max: 1, wait_ms: 2000 }),
      received(5, ['a'], 2),
      ask(6, { op: 'recv', topic, max: 1 }),
      received(6, ['b'])
    ]
  },
  {
    id: 'long-poll',
    about: 'a receiver that waits gets what comes',
    steps: topic => [
      ask(1, { op: 'recv', topic, wait_ms: 5000 }),
      { wait_ms: 100 },
      ...stored(2, topic, 'a'),
      received(1, ['a'])
    ]
  },
  {
    id: 'bad-topic',
    about: 'a topic with an empty segment is 400 bad_topic',
    steps: () => [
      ask(1, { op: 'send', topic: 'a//b' }, 'x'),
      refused(1, 400, 'bad_topic'),
      { expect: 'alive' }
    ]
  },
  {
    id: 'body-oversize',
    about: 'a body of 983,041 bytes is 413 body_oversize',
    steps: topic => [
      ask(1, { op: 'send', topic }, 'x'.repeat(MAILBOX_LIMITS.bodyBytes + 1)),
      refused(1, 413, 'body_oversize'),
      { expect: 'alive' }
    ]
  },
  {
    id: 'attrs-oversize',
    about: 'attributes of 4,097 bytes are 413 attrs_oversize',
    steps: topic => [
      ask(1, { op: 'send', topic, attrs: { a: 'x'.repeat(MAILBOX_LIMITS.attrsBytes) } }, 'x'),
      refused(1, 413, 'attrs_oversize')
    ]
  },
  {
    id: 'unknown-operation',
    about: 'an operation that the mailbox does not have is 404 unknown_operation',
    steps: topic => [ask(1, { op: 'sned', topic }), refused(1, 404, 'unknown_operation'), { expect: 'alive' }]
  },
  {
    id: 'absurd-numbers',
    about: 'numbers out of their bounds are 400 bad_request',
    steps: topic =>
      [
        { max: 0 },
        { max: 1e9 },
        { max_bytes: 2 ** 40 },
        { visibility_ms: 1 },
        { wait_ms: 86_400_000 }
      ].flatMap((wrong, n) => [
        ask(n + 1, { op: 'recv', topic, ...wrong }),
        refused(n + 1, 400, 'bad_request')
      ])
  },
  {
    id: 'foreign-lease',
    about: 'a lease that was never given is 409 lease_foreign, and the right one still holds',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ask(2, { op: 'recv', topic }),
      received(2, ['a']),
      ackLast(3, topic, otherEnd),
      settled(3, 409, 'lease_foreign'),
      ackLast(4, topic),
      settled(4, 0)
    ]
  },
  {
    id: 'lease-of-another-receiver',
    about:
      'a living lease of another message, which another receiver holds, is 409 lease_foreign; both still hold for their own',
    steps: topic => {
      const held: Header[] = []
      return [
        ...stored(1, topic, 'a'),
        ...stored(2, topic, 'b'),
        ask(3, { op: 'recv', topic, max: 1 }),
        received(3, ['a'], 1, held),
        { connect: true },
        ask(1, { op: 'recv', topic, max: 1 }),
        received(1, ['b'], 1, held),
        ackHeld(2, topic, held, 1, 0),
        settled(2, 409, 'lease_foreign'),
        { use: 0 },
        ackHeld(4, topic, held, 0, 1),
        settled(4, 409, 'lease_foreign'),
        ackHeld(5, topic, held, 0),
        settled(5, 0),
        { use: 1 },
        ackHeld(3, topic, held, 1),
        settled(3, 0),
        ask(4, { op: 'recv', topic }),
        received(4, [])
      ]
    }
  },
  {
    id: 'lease-of-another-topic',
    about: 'a living lease under another topic is 409 lease_foreign, and still holds under its own',
    steps: topic => {
      const held: Header[] = []
      return [
        ...stored(1, topic, 'a'),
        ask(2, { op: 'recv', topic }),
        received(2, ['a'], 1, held),
        ackHeld(3, `${topic}/other`, held, 0),
        settled(3, 409, 'lease_foreign'),
        ackHeld(4, topic, held, 0),
        settled(4, 0)
      ]
    }
  },
  {
    id: 'late-acknowledgement',
    about: 'a lease that passed is 409 lease_expired, and its message comes again',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ask(2, { op: 'recv', topic, visibility_ms: SHORT_MS }),
      received(2, ['a']),
      { wait_ms: OVER_MS },
      ackLast(3, topic),
      settled(3, 409, 'lease_expired'),
      ask(4, { op: 'recv', topic, wait_ms: 2000 }),
      received(4, ['a'], 2)
    ]
  },
  {
    id: 'double-acknowledgement',
    about: 'a second acknowledgement is 409 already_acked',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ask(2, { op: 'recv', topic }),
      received(2, ['a']),
      ackLast(3, topic),
      settled(3, 0),
      ackLast(4, topic),
      settled(4, 409, 'already_acked')
    ]
  },
  {
    id: 'no-credit',
    about: 'a subscriber that grants no credit is sent nothing, and keeps nothing from others',
    steps: topic => [
      {
        send: call(1, { op: 'subscribe', topic, credit: 0 }, undefined, {
          flags: ['REQ', 'START', 'ACK_REQ']
        })
      },
      { expect: { flags: ['RESP', 'START'], corr_id: corrOf(1), code: 0 } },
      ...stored(2, topic, 'a'),
      ask(3, { op: 'recv', topic, wait_ms: 2000 }),
      received(3, ['a']),
      { expect_none: { corr_id: corrOf(1) } }
    ]
  },
  {
    id: 'vanished-receiver',
    about: 'what a receiver had that went away comes again when its lease passes',
    steps: topic => [
      ...stored(1, topic, 'a'),
      ask(2, { op: 'recv', topic, visibility_ms: SHORT_MS }),
      received(2, ['a']),
      { reset: true },
      { open: true },
      ask(3, { op: 'recv', topic, wait_ms: 3000 }),
      received(3, ['a'], 2)
    ]
  },
  {
    id: 'cancelled-receiver',
    about: 'a receiver that gave up while it waited takes nothing from the next, nor an attempt',
    steps: topic => [
      ask(1, { op: 'recv', topic, wait_ms: 10_000 }),
      { wait_ms: 100 },
      {
        send: {
          flags: ['REQ', 'START', 'END'],
          app: 0,
          corr_id: corrOf(2),
          payload: { utf8: JSON.stringify({ op: 'cancel', corr: corrOf(1) }) }
        }
      },
      ...stored(3, topic, 'a'),
      ask(4, { op: 'recv', topic, wait_ms: 2000 }),
      received(4, ['a']),
      { expect_none: { corr_id: corrOf(1) } }
    ]
  },
  {
    id: 'idempotency',
    about: 'a key that is used again yields the first message, with another body 409 idem_conflict',
    steps: topic => [
      ...stored(1, topic, 'a', { idem_key: 'k' }),
      ask(2, { op: 'send', topic, idem_key: 'k' }, 'a'),
      { expect: { corr_id: corrOf(2), code: 0, json: { duplicate: true } } },
      ask(3, { op: 'send', topic, idem_key: 'k' }, 'b'),
      refused(3, 409, 'idem_conflict'),
      ask(4, { op: 'recv', topic }),
      received(4, ['a'])
    ]
  }
]
