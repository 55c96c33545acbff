import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { after, test } from 'node:test'
import { cidOf, cidText, dagVerifier, parseCid } from '../../protocols/index.ts'
import { createHash } from 'node:crypto'
import { httpNode } from './http-node.fixture.ts'

const hub = await httpNode({ after: run => after(run) }, { 'storage.tenantBytes': 8_000_000 })
const token = await hub.mint('storage:put,storage:get,storage:stat,storage:delete')

/** The content id of bytes that fit into one leaf. */
const idOf = (bytes: Uint8Array): string =>
  cidText(cidOf('raw', new Uint8Array(createHash('sha256').update(bytes).digest())))
const pathOf = (bytes: Uint8Array): string => `/storage/v1/${idOf(bytes)}`
const put = (bytes: Uint8Array, query = '', headers = {}) =>
  hub.ask('PUT', `${pathOf(bytes)}${query}`, { token, body: bytes, headers })
const get = (bytes: Uint8Array, headers: Record<string, string> = {}, method = 'GET') =>
  hub.ask(method, pathOf(bytes), { token, headers })

test('bytes are put under their content id, and come back as they were', async () => {
  const bytes = randomBytes(50_000)

  const first = await put(bytes, '', { 'content-type': 'image/webp' })
  const again = await put(bytes, '', { 'content-type': 'image/webp' })
  const whole = await get(bytes)
  const head = await get(bytes, {}, 'HEAD')

  const said = { ok: true, cid: idOf(bytes), len: bytes.length }
  assert.deepEqual([first.status, first.json, again.status, again.json], [201, said, 200, said])
  assert.deepEqual([whole.status, whole.bytes.equals(bytes)], [200, true])
  for (const { headers } of [whole, head]) {
    assert.equal(headers.get('etag'), `"${idOf(bytes)}"`)
    assert.equal(headers.get('content-length'), '50000')
    assert.equal(headers.get('content-type'), 'application/octet-stream')
    assert.equal(headers.get('content-disposition'), 'attachment')
    assert.equal(headers.get('x-blob-type'), 'image/webp')
    assert.equal(headers.get('accept-ranges'), 'bytes')
  }
  assert.deepEqual([head.status, head.bytes.length], [200, 0])
})

const EMPTY = Buffer.alloc(0)

test('an empty blob and one of many leaves come back, too', async () => {
  await put(EMPTY)
  const { bytes } = await get(EMPTY)
  const large = randomBytes(1_500_000)
  const refused = await hub.ask('PUT', pathOf(large), { token, body: large })
  const cid = /the blob is (\w+)/.exec(String(refused.json['message']))![1]!

  const kept = await hub.ask('PUT', `/storage/v1/${cid}`, { token, body: large })
  const range = await hub.ask('GET', `/storage/v1/${cid}`, {
    token,
    headers: { range: 'bytes=60000-140000' }
  })

  assert.equal(bytes.length, 0)
  assert.equal(kept.status, 201)
  assert.deepEqual(range.bytes, large.subarray(60_000, 140_001))
  assert.ok((await hub.ask('GET', `/storage/v1/${cid}`, { token })).bytes.equals(large))
})

test('a part of a blob comes as it was asked for', async () => {
  const bytes = randomBytes(1000)
  await put(bytes)

  for (const [range, from, to] of [
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=990-', 990, 1000],
    ['bytes=990-5000', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=-5000', 0, 1000]
  ] as const) {
    const part = await get(bytes, { range })
    assert.equal(part.status, 206, range)
    assert.deepEqual(part.bytes, bytes.subarray(from, to), range)
    assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/1000`)
  }
  for (const range of ['bytes=1000-', 'bytes=5000-6000', 'bytes=-0']) {
    const none = await get(bytes, { range })
    assert.deepEqual([none.status, none.json.error], [416, 'bad_range'], range)
    assert.equal(none.headers.get('content-range'), 'bytes */1000')
  }
  for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=5-2'])
    assert.equal((await get(bytes, { range })).status, 200, range)
})

test('what the reader has is not sent again, and a part only of what it has', async () => {
  const bytes = randomBytes(100)
  await put(bytes)
  const etag = `"${idOf(bytes)}"`

  const same = await get(bytes, { 'if-none-match': `"x", W/${etag}` })
  const other = await get(bytes, { 'if-none-match': '"x"' })
  const part = await get(bytes, { range: 'bytes=0-9', 'if-range': etag })
  const whole = await get(bytes, { range: 'bytes=0-9', 'if-range': '"x"' })

  assert.deepEqual([same.status, same.bytes.length, same.headers.get('etag')], [304, 0, etag])
  assert.deepEqual([other.status, part.status, whole.status], [200, 206, 200])
})

test('bytes of another content id are refused, and nothing of them is kept', async () => {
  const bytes = randomBytes(300_000)
  const { json: before } = await stat()

  const refused = await hub.ask('PUT', pathOf(EMPTY), { token, body: bytes })

  assert.deepEqual([refused.status, refused.json.error], [409, 'bad_digest'])
  assert.deepEqual((await stat()).json, before)
})

/** The root of nothing is there, so that its state shows whether anything was kept. */
const stat = () =>
  hub.ask('GET', '/metrics').then(({ bytes }) => ({
    json: /^storage_puts \d+$/m.exec(bytes.toString())![0]
  }))

test('what the caller may not see is answered as what is not there', async () => {
  await hub.node.capabilities().addTenant({ name: 'other' }, { actor: 'local' })
  const theirs = await hub.mint('storage:get', { tenant: 'other' })
  const [mine, open, absent] = [randomBytes(64), randomBytes(64), randomBytes(64)]
  await put(mine)
  await put(open, '?class=public')
  const seen = async (bytes: Buffer, headers = {}) => {
    const { status, json, headers: got } = await hub.ask('GET', pathOf(bytes), { token: theirs, headers })
    return { status, told: { ...json, request_id: '' }, etag: got.get('etag') }
  }

  const hidden = await seen(mine)

  assert.equal(hidden.status, 404)
  assert.deepEqual(hidden, await seen(absent))
  assert.deepEqual(hidden, await seen(mine, { 'if-none-match': '*' }))
  assert.deepEqual(hidden, await seen(mine, { range: 'bytes=0-1' }))
  assert.equal((await seen(open)).status, 200)
})

test('what is too long is refused before it is read, and while it is', async () => {
  const said = await asked({ 'content-length': '9000000' }, [])
  const unsaid = await asked(
    {},
    Array.from({ length: 300 }, () => Buffer.alloc(65_536))
  )

  for (const { status, text } of [said, unsaid])
    assert.deepEqual([status, JSON.parse(text).error], [413, 'body_oversize'])
})

/** A put that may be answered before it was sent. */
function asked(headers: Record<string, string>, pieces: readonly Buffer[]) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const asking = request(`${hub.url}${pathOf(EMPTY)}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, ...headers }
  })
  asking.on('error', reject).on('response', answer => {
    let text = ''
    answer.setEncoding('utf8').on('data', piece => (text += piece))
    answer.on('end', () => resolve({ status: answer.statusCode!, text }))
  })
  asking.flushHeaders()
  for (const piece of pieces) asking.write(piece)
  return promise.finally(() => asking.destroy())
}

for (const [what, method, path, asking, status, error] of [
  ['a content id that is none', 'GET', '/storage/v1/hello', {}, 400, 'bad_cid'],
  ['a long content id', 'GET', `/storage/v1/b${'a'.repeat(3000)}`, {}, 400, 'bad_cid'],
  ['a path below a blob', 'GET', `${pathOf(EMPTY)}/x`, {}, 400, 'bad_cid'],
  ['nothing in the place of the content id', 'GET', '/storage/v1/', {}, 400, 'bad_cid'],
  ['a parameter that is not there', 'GET', `${pathOf(EMPTY)}?x=1`, {}, 400, 'bad_query'],
  ['a class that is none', 'PUT', `${pathOf(EMPTY)}?class=secret`, { body: 'x' }, 400, 'bad_query'],
  [
    'a media type that is none',
    'PUT',
    pathOf(EMPTY),
    { body: 'x', headers: { 'content-type': 'text' } },
    415,
    'unsupported_media_type'
  ],
  ['another method', 'DELETE', pathOf(EMPTY), {}, 405, 'method_not_allowed']
] as const)
  test(`${what} is answered with ${status} ${error}`, async () => {
    const { status: got, json } = await hub.ask(method, path, { token, ...asking })

    assert.deepEqual([got, json.error, json['ok']], [status, error, false])
  })

test('a page of a listed origin may ask for a part of a blob, and see which it got', async t => {
  const origin = 'https://app.example.org'
  const listed = await httpNode(t, { 'gateway.origins': [origin] })
  const mine = await listed.mint('storage:put,storage:get')
  const bytes = randomBytes(100)
  await listed.ask('PUT', pathOf(bytes), { token: mine, body: bytes })

  const asking = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' }
  const may = await listed.ask('OPTIONS', pathOf(bytes), { headers: asking })
  const part = await listed.ask('GET', pathOf(bytes), {
    token: mine,
    headers: { origin, range: 'bytes=0-9' }
  })

  assert.equal(may.status, 204)
  assert.match(may.headers.get('access-control-allow-headers')!, /\brange\b/)
  assert.deepEqual([part.status, part.headers.get('access-control-allow-origin')], [206, origin])
  assert.match(part.headers.get('access-control-expose-headers')!, /\bcontent-range\b/)
})

test('a body is kept as what it is, and comes back with what proves it', async () => {
  const bytes = randomBytes(300_000)
  const keep = () =>
    hub.ask('POST', '/storage/v1/blobs?class=public', {
      token,
      body: bytes,
      headers: { 'content-type': 'image/webp' }
    })
  const kept = await keep()
  const again = await keep()
  const { cid } = kept.json as unknown as { readonly cid: string }

  const answer = await hub.ask('GET', `/storage/v1/${cid}?form=dag&offset=100000&length=50`, { token })
  const span = { offset: 100_000, length: 50 }
  const verifier = dagVerifier({ cid: parseCid(cid), ...span, sha256: () => createHash('sha256') })
  const proved = verifier.push(answer.bytes).flatMap(({ plain }) => [...plain])
  verifier.end()

  assert.deepEqual([kept.status, kept.json['len'], again.status], [201, bytes.length, 200])
  assert.equal(kept.headers.get('etag'), `"${cid}"`)
  assert.deepEqual(Buffer.concat(proved), bytes.subarray(100_000, 100_050))
  const head = { offset: 100_000, length: 50, total_len: 300_000, content_type: 'image/webp' }
  assert.deepEqual(JSON.parse(answer.headers.get('x-blob-head')!), head)
  assert.deepEqual([answer.status, answer.headers.get('etag')], [200, null])
})

test('which blobs are here is answered for many at once', async () => {
  const bytes = randomBytes(10)
  await put(bytes)
  const cids = [idOf(randomBytes(10)), idOf(bytes)]
  const ask = (request: object | string, more = {}) =>
    hub.ask('POST', '/storage/v1/has', { token: rights, body: request, ...more })
  const rights = await hub.mint('storage:has')

  assert.deepEqual((await ask({ cids })).json['has'], [false, true])
  for (const [request, headers, status] of [
    [{ cids: [] }, {}, 400],
    [{ cids: 'x' }, {}, 400],
    [{ cids: Array.from({ length: 1025 }, () => cids[0]!) }, {}, 400],
    [{}, {}, 400],
    ['{', { 'content-type': 'application/json' }, 400],
    ['x', { 'content-type': 'text/plain' }, 415]
  ] as const)
    assert.equal((await ask(request, { headers })).status, status, JSON.stringify(request).slice(0, 50))
})

test('a proof is asked for by numbers that mean something', async () => {
  const bytes = randomBytes(10)
  await put(bytes)

  for (const [query, status, error] of [
    ['?form=dag&offset=10', 416, 'bad_range'],
    ['?form=dag&offset=-1', 400, 'bad_query'],
    ['?form=dag&length=0', 400, 'bad_query'],
    ['?form=raw', 400, 'bad_query'],
    ['?offset=1', 400, 'bad_query']
  ] as const) {
    const refused = await hub.ask('GET', `${pathOf(bytes)}${query}`, { token })
    assert.deepEqual([refused.status, refused.json.error], [status, error], query)
  }
})
