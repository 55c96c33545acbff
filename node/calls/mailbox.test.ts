import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { encodeRecord } from '../../protocols/index.ts'
import { httpNode } from './http-node.fixture.ts'
import { RECORD_TYPE } from './mailbox-request.ts'

const hub = await httpNode({ after: run => after(run) })
const token = await hub.mint('mailbox:send,mailbox:recv,mailbox:stats,mailbox:peek,mailbox:delete')
const post = (op: string, request: object) => hub.post(op, request, { token })
const leased = ({ items = [] }: { readonly items?: readonly Record<string, never>[] }) =>
  items.map(({ msg_id, lease }) => ({ msg_id, lease }))

test('a message is sent, received, given back, kept longer and acknowledged over HTTP', async () => {
  const topic = 'jobs/one'

  const sent = await post('send', { topic, body: 'grüße', attrs: { kind: 'greeting' }, idem_key: 'k1' })
  const again = await post('send', { topic, body: 'grüße', attrs: { kind: 'greeting' }, idem_key: 'k1' })
  const first = await post('recv', { topic })
  const back = await post('nack', { topic, items: leased(first.json), delay_ms: 0 })
  const second = await post('recv', { topic, wait_ms: 20_000 })
  const longer = await post('extend', { topic, items: leased(second.json), visibility_ms: 60_000 })
  const done = await post('ack', { topic, items: leased(second.json) })
  const stats = await post('stats', { topic })

  assert.deepEqual([sent.status, sent.json['ok'], sent.json['duplicate']], [200, true, false])
  assert.deepEqual([again.json['msg_id'], again.json['duplicate']], [sent.json['msg_id'], true])
  const [one] = first.json.items!
  assert.deepEqual([one!['body'], one!['attempt'], one!['attrs']], ['grüße', 1, { kind: 'greeting' }])
  assert.equal(second.json.items![0]!['attempt'], 2)
  for (const { json } of [back, longer, done])
    assert.deepEqual(
      (json['results'] as unknown as { status: number }[]).map(({ status }) => status),
      [0]
    )
  assert.deepEqual([stats.json['depth'], stats.json['in_flight']], [0, 0])
})

test('a body is text where it is UTF-8 and nobody sealed it, else base64, however it came', async () => {
  const topic = 'jobs/bytes'
  const query = `/mailbox/v1/send?topic=${encodeURIComponent(topic)}`
  const bytes = Uint8Array.of(0xff, 0xfe, 0)
  const asBytes = { token, headers: { 'content-type': 'application/octet-stream' }, body: bytes }
  const record = encodeRecord({ op: 'send', topic, priority: 1 }, Buffer.from('as a record'))

  await hub.ask('POST', query, asBytes)
  await hub.ask('POST', query, { ...asBytes, headers: { 'content-type': 'text/plain' }, body: 'plain' })
  await hub.ask('POST', '/mailbox/v1/send', { token, headers: { 'content-type': RECORD_TYPE }, body: record })
  await post('send_batch', {
    topic,
    items: [{ body_b64: '/wA=' }, { body: 'sealed', e2e: true }, { body: 'open', attrs: { n: '1' } }]
  })
  await post('send', { topic, body: 'sealed alone', e2e: true })
  const { json } = await post('peek', { topic, max: 10 })

  const shown = json.items!.map(({ body, body_b64 }) => body ?? `base64 ${body_b64}`)
  assert.deepEqual(
    shown.toSorted(),
    [
      'as a record',
      'base64 //4A',
      'base64 /wA=',
      `base64 ${Buffer.from('sealed').toString('base64')}`,
      `base64 ${Buffer.from('sealed alone').toString('base64')}`,
      'open',
      'plain'
    ].toSorted()
  )
})

const SPAN = 'b7ad6b7169203331-01'
const TRACE = `00-0af7651916cd43dd8448eb211c80319c-${SPAN}`
const OWN = `00-1af7651916cd43dd8448eb211c80319c-${SPAN}`

test('a message has the trace of its request, unless it has one or no room for one', async () => {
  const topic = 'jobs/traced'
  const sent = async (op: string, body: object | Uint8Array, headers: Record<string, string> = {}) => {
    const asking = { token, body, headers: { traceparent: TRACE, ...headers } }
    const { status } = await hub.ask('POST', `/mailbox/v1/${op}?topic=${encodeURIComponent(topic)}`, asking)
    assert.equal(status, 200)
  }
  const most = { pad: 'x'.repeat(4093 - 'traceparent'.length - TRACE.length) }
  const tooMuch = { pad: `${most.pad}x` }

  await sent('send', { body: 'a', attrs: { kind: 'order' } })
  await sent('send', { body: 'b', attrs: { traceparent: OWN } })
  await sent('send', { body: 'c' }, { traceparent: `${TRACE}-x` })
  await sent('send_batch', { items: [{ body: 'd' }, { body: 'e', attrs: { traceparent: OWN } }] })
  await sent('send', { body: 'f', attrs: most })
  await sent('send', { body: 'g', attrs: tooMuch })
  await sent('send', Buffer.from('h'), { 'content-type': 'text/plain' })
  await sent('send', encodeRecord({ op: 'send' }, Buffer.from('i')), { 'content-type': RECORD_TYPE })
  const { json } = await post('peek', { topic, max: 20 })

  assert.deepEqual(Object.fromEntries(json.items!.map(({ body, attrs }) => [body, attrs])), {
    a: { kind: 'order', traceparent: TRACE },
    b: { traceparent: OWN },
    c: undefined,
    d: { traceparent: TRACE },
    e: { traceparent: OWN },
    f: { ...most, traceparent: TRACE },
    g: tooMuch,
    h: { traceparent: TRACE },
    i: { traceparent: TRACE }
  })
})

test('a message that waits is deleted, and one that is leased is not', async () => {
  const topic = 'jobs/gone'
  const { json } = await post('send', { topic, body: 'x' })
  const msg_id = json['msg_id']

  await post('recv', { topic, max: 1 })
  const leasedStill = await post('delete', { topic, msg_id })
  const other = await post('delete', { topic, msg_id: '01KAJ2Z3Y40000000000000001' })

  assert.deepEqual([leasedStill.status, leasedStill.json.error], [409, 'message_leased'])
  assert.deepEqual([other.status, other.json.error], [404, 'not_found'])
})

const JSON_TYPE = { 'content-type': 'application/json' }
const send = (body: object | string, headers: Record<string, string> = JSON_TYPE) =>
  ['POST', '/mailbox/v1/send', { body, headers }] as const

for (const [what, [method, path, asking], status, error] of [
  ['JSON that is none', send('{"topic":'), 400, 'bad_payload'],
  ['JSON with a member twice', send('{"topic":"a","topic":"a"}'), 400, 'bad_payload'],
  ['JSON that is no object', send('[]'), 400, 'bad_payload'],
  ['a topic that is none', send({ topic: '/a/' }), 400, 'bad_topic'],
  ['a topic that is a number', send({ topic: 5 }), 400, 'bad_topic'],
  ['no topic', send({ body: 'x' }), 400, 'bad_request'],
  ['a body that is a number', send({ topic: 'a', body: 5 }), 400, 'bad_request'],
  ['two bodies', send({ topic: 'a', body: 'x', body_b64: 'eA==' }), 400, 'bad_request'],
  ['base64 that is none', send({ topic: 'a', body_b64: '*' }), 400, 'bad_request'],
  ['base64 without padding', send({ topic: 'a', body_b64: 'eA' }), 400, 'bad_request'],
  ['a deadline that is a text', send({ topic: 'a', deadline_ms: 'soon' }), 400, 'bad_request'],
  ['a priority out of its bounds', send({ topic: 'a', priority: 10 }), 400, 'bad_request'],
  ['another type', send('x', { 'content-type': 'image/png' }), 415, 'unsupported_media_type'],
  ['a packed body', send('x', { ...JSON_TYPE, 'content-encoding': 'gzip' }), 415, 'unsupported_media_type'],
  ['a record that is none', send('\0\u00ff', { 'content-type': RECORD_TYPE }), 400, 'bad_payload'],
  ['a body that is too long', send('x'.repeat(2_000_000)), 413, 'body_oversize'],
  [
    'a message that is too long',
    [
      'POST',
      '/mailbox/v1/send?topic=a',
      { body: Buffer.alloc(983_041), headers: { 'content-type': 'application/octet-stream' } }
    ],
    413,
    'body_oversize'
  ],
  ['a query that is not there', ['POST', '/mailbox/v1/recv?colour=red', { body: {} }], 400, 'bad_query'],
  ['two topics', ['POST', '/mailbox/v1/recv?topic=a', { body: { topic: 'b' } }], 400, 'bad_request'],
  [
    'a batch without messages',
    ['POST', '/mailbox/v1/send_batch', { body: { topic: 'a', items: [] } }],
    400,
    'bad_request'
  ],
  [
    'a batch of texts',
    ['POST', '/mailbox/v1/send_batch', { body: { topic: 'a', items: ['x'] } }],
    400,
    'bad_request'
  ],
  [
    'a lease that is none',
    ['POST', '/mailbox/v1/ack', { body: { topic: 'a', items: [{ msg_id: 'x', lease: 'y' }] } }],
    400,
    'bad_request'
  ],
  ['an operation that is none', ['POST', '/mailbox/v1/steal', { body: {} }], 404, 'not_found'],
  ['another method', ['GET', '/mailbox/v1/recv', {}], 405, 'method_not_allowed']
] as const)
  test(`${what} is answered with ${status} ${error}`, async () => {
    const { status: got, json } = await hub.ask(method, path, { token, ...asking })

    const { ok, error: code, message, request_id, ...rest } = json as Record<string, unknown>
    assert.deepEqual([got, code, ok, rest], [status, error, false, {}])
    assert.equal(typeof message, 'string')
    assert.match(String(request_id), /^req_/)
  })
