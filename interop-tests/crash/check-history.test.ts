import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory } from './check-history.ts'
import { knownBy } from './history.ts'
import type { Delivered, Seen, Send } from './history.ts'

const send = (label: string, more: Partial<Send> = {}): Seen => ({
  is: 'send',
  label,
  topic: 't',
  asked: 0,
  answered: 1,
  id: `id-${label}`,
  ...more
})
const unanswered = (label: string): Seen => ({ is: 'send', label, topic: 't', asked: 0 })
let calls = 0
let attempts = 0
const delivery = (label: string, asked: number, more: Partial<Delivered> = {}): Seen => ({
  is: 'delivery',
  label,
  topic: 't',
  id: `id-${label}`,
  priority: 4,
  attempt: ++attempts,
  asked,
  answered: asked + 1,
  call: ++calls,
  boot: 1,
  visibilityMs: 100,
  ...more
})
const ack = (label: string, asked: number, isDone?: boolean): Seen => ({
  is: 'ack',
  id: `id-${label}`,
  asked,
  ...(isDone !== undefined && { answered: asked + 1, isDone })
})
const nack = (label: string, asked: number): Seen => ({ is: 'nack', id: `id-${label}`, asked })
const DRAIN: Seen = { is: 'drain', asked: 1000 }

const ACCEPTED: Readonly<Record<string, readonly Seen[]>> = {
  'nothing at all': [DRAIN],
  'sent, and there in the end': [send('a'), DRAIN, delivery('a', 1001)],
  'sent, delivered, acknowledged': [send('a'), delivery('a', 2), ack('a', 4, true), DRAIN],
  'an acknowledgement without an answer, and the message gone': [
    send('a'),
    delivery('a', 2),
    ack('a', 4),
    DRAIN
  ],
  'an acknowledgement without an answer, and the message there': [
    send('a'),
    delivery('a', 2),
    ack('a', 4),
    DRAIN,
    delivery('a', 1001, { boot: 2 })
  ],
  'a late acknowledgement, and the message delivered again': [
    send('a'),
    delivery('a', 2),
    ack('a', 200, false),
    delivery('a', 300),
    ack('a', 302, true),
    DRAIN
  ],
  'a send without an answer, and no message': [unanswered('a'), DRAIN],
  'a send without an answer, and a message': [unanswered('a'), DRAIN, delivery('a', 1001)],
  'a send repeated, and one message': [unanswered('a'), send('a'), DRAIN, delivery('a', 1001)],
  'a send that was refused': [
    { is: 'send', label: 'a', topic: 't', asked: 0, answered: 1, refused: 'mailbox_full' },
    DRAIN
  ],
  'delivered again after a nack': [
    send('a'),
    delivery('a', 2),
    nack('a', 4),
    delivery('a', 5),
    ack('a', 7),
    DRAIN
  ],
  'delivered again when its lease had passed': [
    send('a'),
    delivery('a', 2),
    delivery('a', 150),
    ack('a', 152),
    DRAIN
  ],
  'delivered again when its lease had passed, and the first answer comes last': [
    send('a'),
    delivery('a', 2, { answered: 170 }),
    delivery('a', 120, { answered: 150 }),
    ack('a', 172),
    DRAIN
  ],
  'delivered again after a restart': [
    send('a'),
    delivery('a', 2),
    delivery('a', 10, { boot: 2 }),
    ack('a', 12),
    DRAIN
  ],
  'asked for before the acknowledgement, and come after it': [
    send('a'),
    delivery('a', 2, { answered: 500 }),
    delivery('a', 400),
    ack('a', 402, true),
    DRAIN
  ],
  'given up on': [send('a'), { is: 'dead', id: 'id-a', answered: 1005 }, DRAIN],
  'delayed, and delivered at its time': [
    send('a', { dueMs: 50 }),
    delivery('a', 49),
    DRAIN,
    delivery('a', 1001)
  ],
  'sent again with a later time, and the first stored': [
    { ...unanswered('a'), dueMs: 50 } as Seen,
    send('a', { dueMs: 500 }),
    DRAIN,
    delivery('a', 1001)
  ],
  'brought by a subscription that was made long before': [
    send('a'),
    delivery('a', 0, { answered: 900 }),
    ack('a', 902, true),
    DRAIN
  ],
  'by priority, then id': [
    send('a'),
    send('b'),
    send('c'),
    DRAIN,
    delivery('c', 1001, { call: -1, priority: 9 }),
    delivery('a', 1001, { call: -1 }),
    delivery('b', 1001, { call: -1 })
  ]
}

for (const [what, history] of Object.entries(ACCEPTED))
  test(`accepts ${what}`, () => {
    assert.deepEqual(checkHistory(history), [])
  })

const REJECTED: Readonly<Record<string, readonly [string, readonly Seen[]]>> = {
  'a message that was acknowledged and is gone': ['lost', [send('a'), DRAIN]],
  'a message delivered before, not acknowledged, and gone': ['lost', [send('a'), delivery('a', 2), DRAIN]],
  'a message given back, and gone': ['lost', [send('a'), delivery('a', 2), nack('a', 4), DRAIN]],
  'a duplicate answered with the id of a message that is gone': ['lost', [unanswered('a'), send('a'), DRAIN]],
  'a delivery asked for after the acknowledgement': [
    'delivered_after_ack',
    [send('a'), delivery('a', 2), ack('a', 4, true), delivery('a', 300), DRAIN]
  ],
  'a message acknowledged that is there in the end': [
    'delivered_after_ack',
    [send('a'), delivery('a', 2), ack('a', 4, true), DRAIN, delivery('a', 1001, { boot: 2 })]
  ],
  'two deliveries under one lease': [
    'delivered_twice',
    [send('a'), delivery('a', 2), delivery('a', 50), ack('a', 52), DRAIN]
  ],
  'two deliveries of one number': [
    'delivered_twice',
    [send('a'), delivery('a', 2, { attempt: 1 }), delivery('a', 500, { attempt: 1 }), ack('a', 502), DRAIN]
  ],
  'two messages of one send': [
    'stored_twice',
    [
      send('a'),
      send('a', { id: 'id-other' }),
      DRAIN,
      delivery('a', 1001),
      delivery('a', 1003, { id: 'id-other' })
    ]
  ],
  'one id for two messages': ['id_twice', [send('a'), send('b', { id: 'id-a' }), DRAIN, delivery('a', 1001)]],
  'a message that nobody sent': ['invented', [DRAIN, delivery('a', 1001)]],
  'a body that nobody sent': ['invented', [send('a'), DRAIN, delivery('a', 1001, { label: undefined })]],
  'a message in the topic of another': ['invented', [send('a'), DRAIN, delivery('a', 1001, { topic: 'u' })]],
  'a lower priority before a higher': [
    'out_of_order',
    [
      send('a'),
      send('b'),
      DRAIN,
      delivery('a', 1001, { call: -1 }),
      delivery('b', 1001, { call: -1, priority: 9 })
    ]
  ],
  'a delayed message before its time': [
    'too_early',
    [send('a', { dueMs: 500 }), delivery('a', 2), ack('a', 4), DRAIN]
  ],
  'a subscription that brings what was acknowledged before it was made': [
    'delivered_after_ack',
    [send('a'), delivery('a', 2), ack('a', 4, true), delivery('a', 300, { answered: 900 }), DRAIN]
  ],
  'a later id before an earlier': [
    'out_of_order',
    [send('a'), send('b'), DRAIN, delivery('b', 1001, { call: -1 }), delivery('a', 1001, { call: -1 })]
  ]
}

for (const [what, [rule, history]] of Object.entries(REJECTED))
  test(`rejects ${what}`, () => {
    assert.deepEqual([...new Set(checkHistory(history).map(violation => violation.rule))], [rule])
  })

test('refuses to judge a history without a drain', () => {
  assert.throws(() => checkHistory([send('a')]), /no drain/)
})

test('at an earlier time less was known', () => {
  const history = [
    send('a'),
    send('b', { asked: 5, answered: 9 }),
    send('c', { asked: 20, answered: 21 }),
    ack('a', 6, true),
    DRAIN
  ]

  assert.deepEqual(knownBy(history, 6.5), [
    send('a'),
    { is: 'send', label: 'b', topic: 't', asked: 5 },
    { is: 'ack', id: 'id-a', asked: 6 }
  ])
})
