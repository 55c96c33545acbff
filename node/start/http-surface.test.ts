import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'
const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const env = { AMS_WRITE_TOKEN: WRITE, AMS_ADMIN_TOKEN: ADMIN }

const envelope = { type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { text: 'hello' } }

test('a started node serves envelopes, artifacts, rooms and notary records, and its audit log has them', async t => {
  const { data, ask, json } = await surface(t)
  const bytes = randomBytes(300_000)

  const posted = await json('POST', '/ams/v1/envelopes', envelope)
  const { id, sha256 } = posted.body.envelope
  const listed = await json('GET', '/ams/v1/envelopes?thread=t_a')
  const patched = await json('PATCH', `/ams/v1/envelopes/${id}`, { status: 'archived' })
  const synced = await json('POST', '/ams/v1/sync', { push: [{ ...envelope, id: 'e2' }] })
  const put = await ask('PUT', '/ams/v1/artifacts/a.bin', {
    body: bytes,
    headers: { 'content-type': 'image/png' }
  })
  const got = await ask('GET', '/ams/v1/artifacts/a.bin?payload=1')
  const message = await json('POST', '/room/v1/messages?room=lobby', { body: { text: 'hi' } })
  const noted = await json('POST', '/notary/v1/records', { sha256 })

  assert.deepEqual(
    [posted, listed, patched, synced, message, noted].map(({ status }) => status),
    [201, 200, 200, 200, 201, 201]
  )
  assert.equal(posted.body.envelope.status, 'accepted')
  assert.deepEqual([listed.body.items[0].sha256, patched.body.envelope.status], [sha256, 'archived'])
  assert.deepEqual([put.status, got.status], [201, 200])
  assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes)
  assert.match(got.headers.get('content-type') ?? '', /octet-stream|text\/plain/)
  const entries = await entriesIn(data)
  const said = (type: string) => entries.filter(entry => entry.type === type)
  assert.deepEqual(
    said('ams.envelope.created').map(entry => entry.data['sha256']),
    [sha256, synced.body.accepted[0].sha256]
  )
  assert.equal(said('artifact.upserted')[0]!.data['sha256'], createHash('sha256').update(bytes).digest('hex'))
  assert.deepEqual(
    said('ams.envelope.updated').map(({ actor, data: of }) => [actor, of['status']]),
    [
      ['node', 'accepted'],
      ['anonymous', 'archived'],
      ['node', 'accepted']
    ]
  )
  assert.deepEqual([said('room.message').length, said('notary.record').length], [1, 1])
})

interface Asking {
  readonly body?: string | Buffer
  readonly headers?: Record<string, string>
}

async function surface(t: TestContext, flags: Record<string, unknown> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-surface-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  const node = await runningNode(t, {
    data,
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', ...flags },
    // However busy the machine is, nothing is shed.
    options: { overrides: { env, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const url = String(node.status().http)
  const ask = (method: string, path: string, { body, headers }: Asking = {}) =>
    fetch(url + path, {
      method,
      ...(headers && { headers }),
      ...(body !== undefined && { body: body as BodyInit })
    })
  const json = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const answer = await ask(method, path, {
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) })
    })
    // oxlint-disable-next-line typescript/no-explicit-any -- what a test asks for it knows
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
  }
  return { node, data, url, ask, json }
}
