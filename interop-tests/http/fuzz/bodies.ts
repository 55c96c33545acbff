import { createHash } from 'node:crypto'
import { cidOf, cidText } from 'omnigate/protocols'

const SHA256 = createHash('sha256').update('hello').digest('hex')

/** Of `hello`. */
export const CID = cidText(cidOf('raw', new Uint8Array(createHash('sha256').update('hello').digest())))

/** Few, so that requests meet what others left. */
export const NAMES = ['a', 'order-1', 't_orders', 'lobby', 'agent:shop', 'hub:x', 'a/b', CID, SHA256] as const

const ENVELOPE = {
  id: 'order-1',
  type: 'order',
  thread: 't_orders',
  from: 'agent:shop',
  to: 'user:ann',
  payload: { item: 7, note: 'grüße' },
  created_at: '2026-01-01T00:00:00.000Z'
}
const UNNAMED = { type: 'note', thread: 't_a', from: 'agent:a', to: 'b', payload: { text: 'x' } }
const LEASED = { msg_id: 'AAAAAAAAAAAAAAAAAAAAAA', lease: 'AAAAAAAAAAAAAAAAAAAAAA' }
const MOVED = { topic: 'a', items: [LEASED], delay_ms: 0, visibility_ms: 1000 }

/** A body that is good, or nearly, for each path that takes JSON; the longest beginning of a path that is here counts. */
const GOOD: Readonly<Record<string, readonly object[]>> = {
  '/': [{ id: 'a' }, { topic: 'a' }, {}],
  '/ams/v1/envelopes': [UNNAMED, ENVELOPE, { ...ENVELOPE, id: 'a', meta: { seen: true }, status: 'queued' }],
  '/ams/v1/envelopes/{id}': [
    { status: 'archived' },
    { meta: { seen: true } },
    { status: 'accepted', meta: {} }
  ],
  '/ams/v1/sync': [
    { push: [ENVELOPE], pull: true, limit: 5 },
    { push: [], pull: { thread: 't_orders' }, cursor: 'AAAA', limit: 1 }
  ],
  '/ams/v1/submit': [UNNAMED, ENVELOPE],
  '/ams/v1/artifacts': [
    { key: 'a', payload: 'text', content_type: 'text/plain', note: 'n' },
    { key: 'order-1', payload_b64: 'AAEC' }
  ],
  '/notary/v1/records': [{ sha256: SHA256, subject: 'hello' }],
  '/room/v1/messages': [
    { from: 'agent:a', body: { text: 'hello' } },
    { room: 'lobby', from: 'a', body: 'x' }
  ],
  '/federation/v1/handshake': [{ targets: [] }, { targets: ['/ip4/127.0.0.1/tcp/1'] }],
  '/admin/v1/': [
    { id: 'order-1', action: 'archive', reason: 'spam' },
    { ids: ['order-1'], sender: 'agent:shop', by: 'admin' },
    { days: 1, count: 1 }
  ],
  '/admin/v1/tokens': [
    { name: 'a', role: 'read' },
    { name: 'order-1', role: 'write', more: 1 }
  ],
  '/mailbox/v1/': [{ topic: 'a' }, { topic: 'a', max: 2 }, { topic: 'a/b', ids: [LEASED.msg_id] }],
  '/mailbox/v1/send': [
    { topic: 'a', body: 'hello', attrs: { kind: 'x' }, priority: 1, idem_key: 'k' },
    { topic: 'a/b', body_b64: 'AAEC', ttl_ms: 1000, delay_ms: 1, e2e: true, deadline_ms: 5000 }
  ],
  '/mailbox/v1/send_batch': [{ topic: 'a', items: [{ body: 'x' }, { body_b64: 'AA==', attrs: { n: '1' } }] }],
  '/mailbox/v1/recv': [{ topic: 'a', max: 2, wait_ms: 0, visibility_ms: 1000 }],
  '/mailbox/v1/ack': [MOVED, { topic: 'a', items: [] }],
  '/mailbox/v1/nack': [MOVED],
  '/mailbox/v1/extend': [MOVED],
  '/mailbox/v1/delete': [
    { topic: 'a', msg_id: LEASED.msg_id },
    { topic: 'a', ids: [LEASED.msg_id] }
  ],
  '/mailbox/v1/peek': [{ topic: 'a', max: 3, after: LEASED.msg_id }]
}

export function goodBodies(path: string): readonly object[] {
  const beginnings = Object.keys(GOOD).filter(beginning => path.startsWith(beginning))
  return GOOD[beginnings.toSorted((a, b) => b.length - a.length)[0]!]!
}

/** Bodies where any bytes will do. */
export const BYTES: readonly Buffer[] = [
  Buffer.from('hello'),
  Buffer.alloc(0),
  Buffer.from('a\0b\xff', 'latin1'),
  Buffer.from('<script>alert(1)</script>'),
  Buffer.alloc(70_000, 'x')
]
