import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import createClient from 'openapi-fetch'
import type { components, paths } from './.cache/api.ts'

// What somebody writes who has the document and a generator, and nothing of ours: against the hub whose URL and tokens are told.
const [url = '', WRITE = '', ADMIN = ''] = process.argv.slice(2)

const document: object = await (await fetch(`${url}/openapi.json`)).json()
const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(document, 'document', undefined, false)
const at = (...names: readonly (string | number)[]): string =>
  names
    .map(name => `/${encodeURIComponent(String(name).replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('')

let judged = 0
/** A client whose JSON answers are what the document says. */
function client(token?: string) {
  const made = createClient<paths>({
    baseUrl: url,
    headers: token === undefined ? {} : { 'x-ams-token': token }
  })
  made.use({
    async onResponse({ request, schemaPath, response }) {
      const type = response.headers.get('content-type')?.split(';', 1)[0]
      if (type !== 'application/json') return
      const place = ['paths', schemaPath, request.method.toLowerCase(), 'responses']
      const ref = response.ok
        ? `document#${at(...place, response.status, 'content', type, 'schema')}`
        : 'document#/components/schemas/Problem'
      const isRight = ajv.compile({ $ref: ref })
      assert.ok(isRight(await response.clone().json()), `${schemaPath}: ${JSON.stringify(isRight.errors)}`)
      judged++
    }
  })
  return made
}

const [stranger, writer, admin] = [client(), client(WRITE), client(ADMIN)]

const health = await stranger.GET('/ams/v1/health')
assert.equal(health.data?.write_mode, 'token')
assert.equal(health.data.features['server_proof'], true)
assert.equal((await stranger.GET('/readyz')).data?.ready, true)
assert.ok((await stranger.GET('/ams/v1/policy')).data?.policy_hash)

const note: components['schemas']['NewEnvelope'] = {
  id: 'note-1',
  type: 'note',
  thread: 't_notes',
  from: 'agent:ann',
  to: 'user:bob',
  payload: { text: 'hello' }
}
// @ts-expect-error -- an envelope has a thread
const loose: components['schemas']['NewEnvelope'] = { type: 'note', from: 'a', to: 'b', payload: {} }
assert.equal(loose.thread, undefined)

const unknown = await stranger.POST('/ams/v1/envelopes', { body: note })
assert.deepEqual(
  [unknown.response.status, unknown.error?.error, unknown.error?.ok],
  [401, 'unauthorized', false]
)
const posted = await writer.POST('/ams/v1/envelopes', { body: note })
assert.deepEqual([posted.response.status, posted.data?.envelope.status], [201, 'accepted'])
assert.equal(posted.data?.envelope.proofs[0]?.server, true)
const again = await writer.POST('/ams/v1/envelopes', { body: note })
assert.equal(again.response.status, 200)
const other = await writer.POST('/ams/v1/envelopes', { body: { ...note, payload: {} } })
assert.deepEqual([other.response.status, other.error?.error], [409, 'conflict'])
const wrong = await writer.POST('/ams/v1/envelopes', { body: loose })
assert.deepEqual([wrong.response.status, wrong.error?.error], [400, 'missing_member'])

const id = { path: { id: 'note-1' } }
const read = await writer.GET('/ams/v1/envelopes/{id}', { params: id })
assert.equal(read.data?.envelope.sha256, posted.data.envelope.sha256)
// @ts-expect-error -- there is no such status
const never = await writer.PATCH('/ams/v1/envelopes/{id}', { params: id, body: { status: 'gone' } })
assert.equal(never.error?.error, 'bad_form')
const changed = await writer.PATCH('/ams/v1/envelopes/{id}', { params: id, body: { meta: { seen: 1 } } })
assert.deepEqual(changed.data?.envelope.meta, { seen: 1 })
const page = await writer.GET('/ams/v1/envelopes', {
  params: { query: { thread: 't_notes', limit: 10, dir: 'asc' } }
})
assert.deepEqual([page.data?.items.length, typeof page.data?.nextCursor], [1, 'string'])
const threads = await writer.GET('/ams/v1/threads')
assert.deepEqual(
  threads.data?.items.map(({ thread, count }) => [thread, count]),
  [['t_notes', 1]]
)
const synced = await writer.POST('/ams/v1/sync', { body: { push: [{ ...note, id: 'note-2' }, loose] } })
assert.deepEqual(
  [synced.data?.accepted.length, synced.data?.rejected[0]?.error, synced.data?.pulled.items.length],
  [1, 'missing_member', 2]
)
assert.equal(
  (await writer.POST('/ams/v1/submit', { body: { ...note, id: 'note-3' } })).data?.status,
  'queued'
)

const bytes = Uint8Array.of(0, 1, 2, 255)
const key = { path: { key: 'bytes.bin' } }
const put = await writer.PUT('/ams/v1/artifacts/{key}', {
  params: key,
  // The document says binary, which this generator calls a string.
  body: bytes as unknown as string,
  bodySerializer: body => body,
  headers: { 'content-type': 'application/octet-stream' }
})
assert.deepEqual([put.response.status, put.data?.artifact.bytes], [201, 4])
const known = (await writer.GET('/ams/v1/artifacts/{key}', { params: key })).data
// Bytes where they are asked for.
assert.equal(typeof known === 'object' && known.artifact.sha256, put.data?.artifact.sha256)
const payload = { ...key, query: { payload: '1' } } as const
const got = await writer.GET('/ams/v1/artifacts/{key}', { params: payload, parseAs: 'arrayBuffer' })
assert.deepEqual(new Uint8Array(got.data!), bytes)
const kept = await writer.POST('/ams/v1/artifacts', {
  body: { key: 'text', payload: 'hello', content_type: 'text/plain' }
})
assert.equal(kept.response.status, 201)
assert.equal((await writer.GET('/ams/v1/artifacts')).data?.items.length, 2)
const lost = await writer.GET('/ams/v1/artifacts/{key}', { params: { path: { key: 'nothing' } } })
assert.deepEqual([lost.response.status, lost.error?.error], [404, 'not_found'])

const room = { query: { room: 'lobby' } }
const spoken = await writer.POST('/room/v1/messages', {
  params: room,
  body: { from: 'ann', body: { text: 'hi' } }
})
assert.equal(spoken.data?.message.kind, 'text')
assert.equal(
  (await writer.GET('/room/v1/messages', { params: room })).data?.items[0]?.id,
  spoken.data?.message.id
)
const noted = await writer.POST('/notary/v1/records', { body: { sha256: posted.data.envelope.sha256 } })
assert.equal((await writer.GET('/notary/v1/records')).data?.items[0]?.id, noted.data?.record.id)

const topic = { query: { topic: 'jobs' } }
const sent = await writer.POST('/mailbox/v1/send', { params: topic, body: { body: 'hello' } })
const taken = await writer.POST('/mailbox/v1/recv', { params: topic, body: { max: 1 } })
const [delivery] = taken.data?.items ?? []
assert.deepEqual([delivery?.msg_id, delivery?.body], [sent.data?.msg_id, 'hello'])
const acked = await writer.POST('/mailbox/v1/ack', {
  params: topic,
  body: { items: [{ msg_id: delivery!.msg_id, lease: delivery!.lease! }] }
})
assert.equal(acked.response.status, 200)
const blob = await writer.POST('/storage/v1/blobs', {
  body: bytes as unknown as string,
  bodySerializer: body => body,
  headers: { 'content-type': 'application/octet-stream' }
})
const has = await writer.POST('/storage/v1/has', { body: { cids: [blob.data!.cid] } })
assert.deepEqual(has.data?.has, [true])

const denied = await writer.POST('/admin/v1/archive', { body: { id: 'note-1' } })
assert.deepEqual([denied.response.status, denied.error?.error], [403, 'forbidden'])
assert.equal(
  (await admin.POST('/admin/v1/archive', { body: { id: 'note-1', reason: 'done' } })).data?.envelope.status,
  'archived'
)
assert.equal((await admin.POST('/admin/v1/redact', { body: { id: 'note-2' } })).data?.envelope.redacted, true)
assert.equal((await admin.POST('/admin/v1/block', { body: { from: 'bad' } })).data?.sender.from, 'bad')
assert.deepEqual(
  (await admin.GET('/admin/v1/blocked')).data?.items.map(({ from }) => from),
  ['bad']
)
assert.equal((await admin.POST('/admin/v1/unblock', { body: { from: 'bad' } })).data?.from, 'bad')
assert.deepEqual((await admin.POST('/admin/v1/remove', { body: { artifact: 'text' } })).data?.removed, {
  artifact: 'text'
})
assert.deepEqual((await admin.GET('/admin/v1/quarantine')).data?.items, [])
assert.equal(
  (await admin.POST('/admin/v1/retention', { body: { days: 30 } })).data?.run.removed['envelopes'],
  0
)
assert.ok((await admin.GET('/admin/v1/retention')).data?.last?.ended_at)
assert.deepEqual((await admin.GET('/federation/v1/handshake')).data?.items, [])
assert.ok((await admin.GET('/admin/v1/spam')).data)
assert.equal((await stranger.GET('/.well-known/ai-ams.json')).data?.['write_mode'], 'token')

console.log(JSON.stringify({ judged }))
