import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { ADMIN, httpNode } from '../calls/http-node.fixture.ts'
import type { Asking } from '../calls/http-node.fixture.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const hub = await httpNode({ after: run => after(run) }, { 'gateway.rate_limits': false })
const TARGET = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const note = (id: string) => ({ id, type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { id } })
const narrow = await hub.mint('mailbox:send')

type Row = readonly [
  method: string,
  path: string,
  body: Asking['body'],
  types: readonly string[],
  token?: string
]

/** Requests, each with what it has written in the audit log. */
const ROWS: readonly Row[] = [
  ['POST', '/ams/v1/envelopes', note('e1'), ['ams.envelope.created', 'ams.envelope.updated']],
  ['PATCH', '/ams/v1/envelopes/e1', { status: 'archived' }, ['ams.envelope.updated']],
  ['POST', '/ams/v1/submit', note('e2'), ['ams.envelope.created']],
  ['POST', '/admin/v1/release', { id: 'e2' }, ['ams.envelope.updated']],
  ['POST', '/ams/v1/sync', { push: [note('e3')] }, ['ams.envelope.created', 'ams.envelope.updated']],
  ['PUT', '/ams/v1/artifacts/a1', Buffer.from('one'), ['artifact.upserted']],
  ['POST', '/ams/v1/artifacts', { key: 'a2', payload: 'two' }, ['artifact.upserted']],
  ['POST', '/room/v1/messages?room=lobby', { id: 'm1', body: {} }, ['room.message']],
  ['POST', '/notary/v1/records', { id: 'r1', sha256: 'ab'.repeat(32) }, ['notary.record']],
  ['POST', '/admin/v1/redact', { id: 'e1' }, ['ams.envelope.redacted']],
  ['POST', '/admin/v1/remove', { artifact: 'a1' }, ['ams.removed']],
  ['POST', '/admin/v1/remove', { message: 'm1' }, ['ams.removed']],
  ['POST', '/admin/v1/remove', { record: 'r1' }, ['ams.removed']],
  ['POST', '/admin/v1/block', { from: 'eve' }, ['ams.sender']],
  ['POST', '/admin/v1/unblock', { from: 'eve' }, ['ams.sender']],
  ['POST', '/admin/v1/retention', { count: 1 }, ['ams.retention']],
  ['POST', '/federation/v1/handshake', { targets: [TARGET] }, ['federation.handshake']],
  ['POST', '/mailbox/v1/recv', { topic: 'jobs/a' }, ['refusal'], narrow]
]
const traceOf = (n: number): string => n.toString(16).padStart(32, '0')

test('whatever a request over HTTP has written in the audit log has its trace, and nothing that is none', async () => {
  for (const [n, [method, path, body, types, token = ADMIN]] of ROWS.entries()) {
    const headers = { traceparent: `00-${traceOf(n + 1)}-b7ad6b7169203331-01` }
    const { status, bytes } = await hub.ask(method, path, { token, body: body!, headers })
    assert.ok(
      types[0] === 'refusal' ? status === 403 : status < 300,
      `${path}: ${status} ${bytes.toString()}`
    )
  }
  const headers = { traceparent: `00-${traceOf(0)}-b7ad6b7169203331-01` }
  await hub.ask('POST', '/ams/v1/envelopes', { token: ADMIN, body: note('e4'), headers })

  const entries = (await entriesIn(hub.data)).filter(({ type }) => !['start', 'mint'].includes(type))
  const traced = ROWS.map((_, n) => entries.filter(entry => entry.trace_id === traceOf(n + 1)))
  assert.deepEqual(
    traced.map(some => some.map(({ type }) => type)),
    ROWS.map(([, , , types]) => types)
  )
  const without = entries.filter(entry => entry.trace_id === undefined).map(({ type }) => type)
  assert.deepEqual(without.slice(-2), ['ams.envelope.created', 'ams.envelope.updated'])
})

test('what strict would refuse of an envelope that lenient takes is in the log, with the envelope and the request', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-loose-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const lines: string[] = []
  const node = await runningNode(t, {
    data: join(folder, 'data'),
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.validation': 'lenient' },
    options: {
      overrides: {
        log: pino({ level: 'info' }, { write: line => lines.push(line) }),
        loopDelay: { tick: () => undefined, take: () => 0 }
      }
    }
  })
  const post = async (path: string, body: object, n: number): Promise<void> => {
    const headers = {
      'content-type': 'application/json',
      'x-request-id': `request-${n}`,
      traceparent: `00-${traceOf(n)}-b7ad6b7169203331-01`
    }
    const url = `${node.status().http}${path}`
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    assert.ok(answer.ok, await answer.text())
  }

  await post('/ams/v1/envelopes', { id: 'loose-1', type: 'note', more: 1 }, 1)
  await post('/ams/v1/envelopes', note('strict-1'), 2)
  await post('/ams/v1/submit', { ...note('loose-2'), thread: 'not a thread' }, 3)
  await post('/ams/v1/sync', { push: [note('strict-2'), { ...note('loose-3'), more: 1 }] }, 4)

  const loose = lines.map(line => JSON.parse(line)).filter(({ event }) => event === 'EnvelopeLoose')
  assert.deepEqual(
    loose.map(({ id, request_id, trace_id }) => [id, request_id, trace_id]),
    [1, 3, 4].map((n, place) => [`loose-${place + 1}`, `request-${n}`, traceOf(n)])
  )
  assert.deepEqual(
    loose.map(({ problem }) => problem.split(':')[0]),
    ['thread', 'thread', '"more"']
  )
})
