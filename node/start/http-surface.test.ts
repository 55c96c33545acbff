import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { LoopWatch } from '../guards/loop-delay.ts'
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

test('the policy decides on what is posted, and its decision stands in the chain and in the audit log', async t => {
  const { data, json } = await surface(t)
  const large = { ...envelope, payload: { text: 'x'.repeat(262_144) } }

  const posted = await json('POST', '/ams/v1/envelopes', large)

  const { sha256, status, meta, record } = posted.body.envelope
  const [acceptance] = (await entriesIn(data)).filter(({ type }) => type === 'acceptance')
  const { evidence, record: decided } = acceptance!.data as {
    evidence: { id: string; kind: string }
    record: { decision: string; score: number; policy_hash: string }
  }
  assert.deepEqual([posted.status, status, record.n, record.by], [201, 'quarantined', 1, 'hub'])
  assert.deepEqual([evidence.id, evidence.kind, decided.decision], [sha256, 'mailbox.directed', 'quarantine'])
  assert.deepEqual(meta.policy, {
    policy_hash: decided.policy_hash,
    policy_version: 1,
    reasons: ['known_type', 'large_body'],
    score: decided.score
  })
})

test('who may not write is told so, and what cannot be taken is refused in one form', async t => {
  const { json, ask } = await surface(t, { 'gateway.write_mode': 'token' })
  const write = { authorization: `Bearer ${WRITE}` }
  const post = (body: object, headers: Record<string, string> = write) =>
    json('POST', '/ams/v1/envelopes', body, headers)
  const posted = await post({ ...envelope, id: 'e1' })
  const large = Buffer.alloc(600_000, 'x')

  const refused = {
    401: await post(envelope, {}),
    403: await json('GET', '/admin/v1/spam', undefined, write),
    404: await json('GET', '/ams/v1/nowhere'),
    405: await json('PUT', '/ams/v1/envelopes', {}, write),
    409: await post({ ...envelope, id: 'e1', payload: { text: 'another' } }),
    413: await answered(
      ask('POST', '/ams/v1/envelopes', {
        body: large,
        headers: { 'content-type': 'application/json', ...write }
      })
    ),
    415: await answered(
      ask('POST', '/ams/v1/envelopes', { body: 'x', headers: { 'content-type': 'text/plain', ...write } })
    )
  }
  const foreign = await post(envelope, { ...write, origin: 'https://evil.example' })
  const again = await post({ ...envelope, id: 'e1' })

  assert.deepEqual([posted.status, again.status], [201, 200])
  for (const [status, { status: got, body, headers }] of Object.entries(refused)) {
    assert.deepEqual([got, body.ok], [Number(status), false], JSON.stringify(body))
    assert.deepEqual(Object.keys(body), ['ok', 'error', 'message', 'request_id'])
    assert.equal(headers.get('x-request-id'), body.request_id)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  assert.deepEqual([foreign.status, foreign.body.error], [403, 'origin_denied'])
  assert.match(refused[401].headers.get('www-authenticate') ?? '', /^Bearer/)
  const spam = await json('GET', '/admin/v1/spam', undefined, { 'x-ams-token': ADMIN })
  assert.deepEqual(spam.body.counts, [
    { type: 'other', decision: 'accepted', count: 1 },
    { type: 'other', decision: 'refused', count: 1 }
  ])
})

test('an open hub lets nobody write too much, and health and metrics are not counted', async t => {
  const { json, ask } = await surface(t, { 'gateway.writes_per_min': 2 })

  const answers = []
  for (let n = 0; n < 4; n++) answers.push(await json('POST', '/ams/v1/submit', envelope))
  const health = await json('GET', '/ams/v1/health')
  const metrics = await (await ask('GET', '/metrics')).text()

  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 429, 429]
  )
  const { body, headers } = answers[2]!
  assert.deepEqual([body.error, body.bucket, body.limit_per_min], ['rate_limited', 'ip', 2])
  assert.ok(Number(headers.get('retry-after')) >= 1 && body.retry_after_sec >= 1)
  assert.deepEqual([health.body.mode, health.body.write_mode], ['level', 'open'])
  assert.match(metrics, /^http_refused_total\{reason="rate_limited"\} 2$/m)
  assert.match(metrics, /^ams_posts_total\{type="other",decision="queued"\} 2$/m)
})

test('in a public sandbox nothing is accepted but by a moderator, however it was handed in', async t => {
  const { json } = await surface(t, { 'gateway.sandbox': 'public' })
  const accept = (id: string, headers = {}) =>
    json('PATCH', `/ams/v1/envelopes/${id}`, { status: 'accepted' }, headers)

  const submitted = await json('POST', '/ams/v1/submit', { ...envelope, id: 'e1' })
  const stranger = await accept('e1')
  const writer = await accept('e1', { 'x-ams-token': WRITE })
  const moderator = await accept('e1', { 'x-ams-token': ADMIN })

  assert.deepEqual([submitted.status, submitted.body.status], [202, 'quarantined'])
  assert.deepEqual(
    [stranger, writer, moderator].map(({ status }) => status),
    [409, 409, 200]
  )
})

for (const key of ['storage.tenantBytes', 'gateway.ams_bytes'])
  test(`artifacts count against ${key}`, async t => {
    const { ask } = await surface(t, { [key]: 2 ** 20 })
    const put = (name: string) => ask('PUT', `/ams/v1/artifacts/${name}`, { body: randomBytes(600_000) })

    const first = await put('a')
    const second = await answered(put('b'))
    const metrics = await (await ask('GET', '/metrics')).text()

    assert.deepEqual([first.status, second.status, second.body.error], [201, 429, 'storage_full'])
    assert.match(metrics, /^ams_problems_total\{code="storage_full"\} 1$/m)
    const labels = 'service="ams",operation="PUT /ams/v1/artifacts/{key}"'
    for (const line of [
      `requests_total{${labels},status="0"} 1`,
      `requests_total{${labels},status="429"} 1`,
      `latency_seconds_count{${labels}} 2`,
      `inflight{${labels}} 0`
    ])
      assert.ok(metrics.includes(`\n${line}\n`), line)
    assert.ok(!metrics.includes(`bytes_in_total{${labels}}`))
  })

test('a node with too much to do refuses writes before reads, with when to come back', async t => {
  let delayMs = 0
  const loopDelay = { tick: () => undefined, take: () => delayMs }
  const { node, json } = await surface(t, {}, loopDelay)
  const before = await json('POST', '/ams/v1/envelopes', envelope)

  delayMs = 300
  while (node.status()['shedding'] !== 'writes') await new Promise(resolve => setImmediate(resolve))
  const write = await json('POST', '/ams/v1/envelopes', envelope)
  const read = await json('GET', '/ams/v1/envelopes')

  assert.deepEqual([before.status, write.status, read.status], [201, 503, 200])
  assert.deepEqual([write.body.error, Number(write.headers.get('retry-after')) >= 1], ['saturated', true])
})

test('a node with too much to do refuses a write before its body comes, reads on, and keeps the connection', async t => {
  let delayMs = 0
  const loopDelay = { tick: () => undefined, take: () => delayMs }
  const { node, url, ask, json } = await surface(t, {}, loopDelay)
  const token = { 'x-ams-token': ADMIN }
  const body = JSON.stringify({ topic: 'jobs', body: 'hello' })
  delayMs = 300
  while (node.status()['shedding'] !== 'writes') await new Promise(resolve => setImmediate(resolve))
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.after(() => socket.destroy())

  socket.write(
    'POST /mailbox/v1/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${body.length}\r\n\r\n`
  )
  const [refused] = (await once(socket, 'data')) as [Buffer]
  socket.write(`${body}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const [next] = (await once(socket, 'data')) as [Buffer]
  const peeked = await json('POST', '/mailbox/v1/peek', { topic: 'jobs' }, token)
  const acked = await json('POST', '/mailbox/v1/ack', { lease_tokens: [] }, token)
  const metrics = await (await ask('GET', '/metrics')).text()

  assert.match(String(refused), /^HTTP\/1\.1 503 [^]*\r\nretry-after: \d[^]*"error":"saturated"/)
  assert.doesNotMatch(String(refused), /\r\nconnection: close/i)
  assert.match(String(next), /^HTTP\/1\.1 200 /)
  assert.deepEqual([peeked.status, peeked.body.items], [200, []])
  assert.notEqual(acked.status, 503)
  assert.match(metrics, /^rejected_total\{reason="saturated"\} 1$/m)
})

test('another Host is answered nowhere but those that the operator names', async t => {
  const { url, ask } = await surface(t, { 'gateway.hosts': ['hub.example.org'] })

  const statuses = await Promise.all(
    ['evil.example', 'hub.example.org', 'localhost', '127.0.0.1'].map(host => statusFor(url, host))
  )

  assert.deepEqual(statuses, [421, 200, 200, 200])
  const metrics = await (await ask('GET', '/metrics')).text()
  assert.match(metrics, /^http_refused_total\{reason="misdirected"\} 1$/m)
})

test('who holds as many connections as one address may has none more, and is counted', async t => {
  const { url, ask } = await surface(t, {})
  const { port } = new URL(url)
  const from = (localAddress: string): Socket =>
    connect({ port: Number(port), host: '127.0.0.1', localAddress }).on('error', () => undefined)
  const held = Array.from({ length: 128 }, () => from('127.0.0.2'))
  t.after(() => held.forEach(socket => socket.destroy()))
  await Promise.all(held.map(socket => once(socket, 'connect')))

  const one = from('127.0.0.2').resume()
  await once(one, 'close')
  const metrics = await (await ask('GET', '/metrics')).text()

  assert.match(metrics, /^http_refused_total\{reason="source_connections"\} 1$/m)
  assert.ok(held.every(socket => !socket.destroyed))
})

test('a node that others could reach does not start without a token, whatever its configuration says', async t => {
  const flags = {
    'http.enabled': true,
    'http.listen': '0.0.0.0:0',
    'gateway.remote': true,
    'gateway.write_mode': 'token',
    'capabilities.takesBearer': false
  }
  const start = (tokens: Record<string, string>) =>
    runningNode(t, { flags, options: { overrides: { env: tokens } } })

  await assert.rejects(start({}), /http\.listen: is no loopback address, and nobody has a token/)
  const node = await start({ AMS_WRITE_TOKEN: WRITE })

  const { port } = new URL(String(node.status().http))
  const answer = await fetch(`http://127.0.0.1:${port}/ams/v1/envelopes`, { method: 'POST' })
  assert.equal(answer.status, 401)
})

test('metrics are for this machine, and through a proxy for who has a token', async t => {
  const { ask } = await surface(t)
  const through = { 'x-forwarded-for': '203.0.113.7' }

  const here = await ask('GET', '/metrics')
  const proxied = await ask('GET', '/metrics', { headers: through })
  const known = await ask('GET', '/metrics', { headers: { ...through, authorization: `Bearer ${WRITE}` } })

  assert.deepEqual([here.status, proxied.status, known.status], [200, 401, 200])
})

test('every route of the document answers, and every route that answers stands in it', async t => {
  const { json, ask, patterns } = await surface(t, { 'gateway.writes_per_min': 1000 })
  const { body } = await json('GET', '/openapi.json')
  const paths = body.paths as Record<string, Record<string, unknown>>

  assert.equal(body.openapi, '3.1.0')
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`)
  )
  const ids = Object.values(paths).flatMap(operations =>
    Object.values(operations).map(operation => (operation as { operationId: string }).operationId)
  )
  assert.equal(new Set(ids).size, ids.length)
  const text = JSON.stringify(body)
  const named = Object.keys(body.components.schemas).map(name => `#/components/schemas/${name}`)
  const referred = new Set([...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, at]) => at))
  assert.deepEqual(referred, new Set([...named, '#/components/responses/Problem']))
  for (const one of documented) {
    const [method = '', path = ''] = one.split(' ')
    const answer = await ask(method, path.replaceAll(/\{\w+\}/g, 'x'), {
      ...(['POST', 'PATCH', 'PUT'].includes(method) && { body: '{}' }),
      headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' }
    })
    const text = await answer.text()
    const isUnknown = answer.status === 404 && text.includes('nothing is here')
    assert.ok(!isUnknown && answer.status !== 405 && answer.status < 500, `${one}: ${answer.status} ${text}`)
  }
  const served = new Set(documented.map(one => one.replaceAll(/\{\w+\}/g, '*')))
  for (const path of Object.keys(paths)) {
    const at = path.replaceAll(/\{\w+\}/g, 'x')
    const real = Object.keys(paths).flatMap(one => (isAt(one, at) ? Object.keys(paths[one]!) : []))
    const methods = new Set(real.map(method => method.toUpperCase()))
    const wrong = ['PATCH', 'DELETE', 'PUT', 'POST', 'OPTIONS'].filter(method => !methods.has(method))
    for (const method of [wrong[0]!, 'OPTIONS']) {
      const answer = await ask(method, at, { headers: { authorization: `Bearer ${ADMIN}` } })
      const told = (await answer.json()) as Record<string, unknown>
      const of = `${method} ${path}: ${answer.status} ${JSON.stringify(told)}`
      assert.deepEqual([answer.status, told['ok'], told['error']], [405, false, 'method_not_allowed'], of)
      assert.equal(told['request_id'], answer.headers.get('x-request-id'), of)
      assert.deepEqual(new Set(answer.headers.get('allow')?.split(', ')), methods, of)
    }
  }
  const needsNone = (path: string) => JSON.stringify(paths[path]!['post']).includes('{"token":[]},{}')
  assert.deepEqual(
    ['send', 'recv', 'peek'].map(op => needsNone(`/mailbox/v1/${op}`)),
    [true, false, false]
  )
  const ofAdmins = Object.entries(paths).filter(([path]) => path.startsWith('/admin/'))
  assert.ok(ofAdmins.length > 5 && !JSON.stringify(ofAdmins).includes('{"token":[]},{}'))
  assert.ok(patterns.length > 20)
  for (const one of patterns) assert.ok(served.has(one), `${one} answers and is not in the document`)
})

/** Whether a path of the document stands for `at`. */
const isAt = (path: string, at: string): boolean =>
  new RegExp(`^${path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(at)

async function statusFor(url: string, host: string): Promise<number> {
  const { hostname, port } = new URL(url)
  const call = request({ hostname, port, path: '/ams/v1/health', headers: { host }, agent: false })
  call.end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}

interface Asking {
  readonly body?: string | Buffer
  readonly headers?: Record<string, string>
}

/** However busy the machine is, nothing is shed. */
const IDLE: LoopWatch = { tick: () => undefined, take: () => 0 }

async function surface(t: TestContext, flags: Record<string, unknown> = {}, loopDelay = IDLE) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-surface-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  const { patterns, of: node } = await routedBy(() =>
    runningNode(t, {
      data,
      flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', ...flags },
      options: { overrides: { env, loopDelay } }
    })
  )
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
    return await answered(answer)
  }
  return { node, patterns, data, url, ask, json }
}

async function answered(asked: Response | Promise<Response>) {
  const answer = await asked
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test asks for it knows
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
}

/** Each method with each pattern that is routed while `start` runs, but for what answers nothing but 404 and 405. */
async function routedBy<T>(
  start: () => Promise<T>
): Promise<{ readonly patterns: string[]; readonly of: T }> {
  const patterns: string[] = []
  const seen = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url, config }) => {
      if (config?.isRefusal === true) return
      for (const one of [method].flat()) patterns.push(`${one} ${url.replaceAll(/:\w+/g, '*')}`)
    })
  }
  subscribe('fastify.initialization', seen)
  const of = await start().finally(() => unsubscribe('fastify.initialization', seen))
  return { patterns, of }
}
