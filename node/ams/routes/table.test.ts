import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { OapError } from '../../../protocols/index.ts'
import { NOW, note, surface } from './routes.fixture.ts'
import type { AmsRoute } from './route.ts'
import { AMS_ROUTES } from './table.ts'

interface Example {
  readonly url: string
  readonly body?: object | string
  readonly status: number
}

/** One request for each row, after an envelope `e1` and an artifact `a1` were posted. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  'GET /ams/v1/health': { url: '/ams/v1/health', status: 200 },
  'GET /ams/v1/policy': { url: '/ams/v1/policy', status: 200 },
  'GET /ams/v1/envelopes': { url: '/ams/v1/envelopes', status: 200 },
  'POST /ams/v1/envelopes': { url: '/ams/v1/envelopes', body: note(), status: 201 },
  'GET /ams/v1/envelopes/{id}': { url: '/ams/v1/envelopes/e1', status: 200 },
  'PATCH /ams/v1/envelopes/{id}': { url: '/ams/v1/envelopes/e1', body: { meta: {} }, status: 200 },
  'GET /ams/v1/threads': { url: '/ams/v1/threads', status: 200 },
  'POST /ams/v1/sync': { url: '/ams/v1/sync', body: { push: [], pull: true }, status: 200 },
  'POST /ams/v1/submit': { url: '/ams/v1/submit', body: note(), status: 202 },
  'GET /ams/v1/artifacts': { url: '/ams/v1/artifacts', status: 200 },
  'POST /ams/v1/artifacts': { url: '/ams/v1/artifacts', body: { payload: 'hi' }, status: 201 },
  'GET /ams/v1/artifacts/{key}': { url: '/ams/v1/artifacts/a1', status: 200 },
  'PUT /ams/v1/artifacts/{key}': { url: '/ams/v1/artifacts/a2', body: 'hi', status: 201 },
  'GET /notary/v1/records': { url: '/notary/v1/records', status: 200 },
  'POST /notary/v1/records': { url: '/notary/v1/records', body: { sha256: 'ab'.repeat(32) }, status: 201 },
  'GET /room/v1/messages': { url: '/room/v1/messages?room=lobby', status: 200 },
  'POST /room/v1/messages': {
    url: '/room/v1/messages?room=lobby',
    body: { body: { text: 'hi' } },
    status: 201
  }
}

const nameOf = ({ method, path }: AmsRoute): string => `${method} ${path}`
const exampleOf = (route: AmsRoute): Example => EXAMPLES[nameOf(route)]!

async function withEnvelope(...settings: Parameters<typeof surface>) {
  const served = await surface(...settings)
  await served.ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) })
  await served.ask('PUT', '/ams/v1/artifacts/a1', { body: 'hi' })
  return served
}

void test('there is an example for every row, and a row for every example', () => {
  assert.deepEqual(AMS_ROUTES.map(nameOf).sort(), Object.keys(EXAMPLES).sort())
})

for (const route of AMS_ROUTES) {
  const { method, path, role, takes, maxBodyBytes, statuses } = route
  const example = exampleOf(route)
  const { url, status } = example
  const body = example.body === undefined ? {} : { body: example.body }

  void describe(nameOf(route), () => {
    void test('answers as the table says', async () => {
      const { ask, errors } = await withEnvelope()

      const answer = await ask(method, url, { role, ...body })

      assert.equal(answer.statusCode, status, answer.body)
      assert.ok(statuses.includes(status))
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.match(String(answer.headers['content-type']), /^application\/json/)
      assert.equal(answer.json().ok, true)
      assert.deepEqual(errors, [])
    })

    void test('is closed to who may not', async () => {
      const { ask } = await withEnvelope()

      const nobody = await ask(method, url, { role: null, ...body })
      const lower = await ask(method, url, { role: role === 'write' ? 'read' : 'none', ...body })

      if (role === 'none') return assert.deepEqual([nobody.statusCode, lower.statusCode], [status, status])
      assert.deepEqual([nobody.statusCode, lower.statusCode], [401, 403])
      assert.match(String(nobody.headers['www-authenticate']), /^Bearer /)
      for (const answer of [nobody, lower])
        assert.deepEqual(Object.keys(answer.json()).sort(), ['error', 'message', 'ok', 'request_id'])
    })

    void test('says 405 and what is allowed to other methods', async () => {
      const { ask } = await withEnvelope()
      const there = AMS_ROUTES.filter(other => other.path === path).map(other => other.method)
      const allow = there.includes('GET') ? [...there, 'HEAD'] : there

      for (const other of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (allow.some(one => one === other)) continue
        const answer = await ask(other, url)
        assert.deepEqual([answer.statusCode, answer.headers.allow], [405, allow.join(', ')], other)
        if (other !== 'HEAD') assert.equal(answer.json().error, 'method_not_allowed')
      }
    })

    void test('says 400 to a query that it does not know, or that stands twice', async () => {
      const { ask } = await withEnvelope()

      for (const query of ['nothing=1', '__proto__=1', 'limit=1&limit=2', '=', 'a[b]=1']) {
        const answer = await ask(method, `${url}${url.includes('?') ? '&' : '?'}${query}`, body)
        assert.deepEqual([answer.statusCode, answer.json().error], [400, 'bad_query'], query)
      }
    })

    if (method === 'GET')
      void test('says without a body to HEAD what it says to GET', async () => {
        const { ask } = await withEnvelope()

        const [head, got] = [await ask('HEAD', url), await ask('GET', url)]

        assert.deepEqual([head.statusCode, head.body], [status, ''])
        assert.equal(head.headers['content-type'], got.headers['content-type'])
      })

    if (takes !== 'nothing')
      void test('says 413 to a longer body, whether it says so or not', async () => {
        const { ask } = await withEnvelope()
        const long = `{"a":"${'x'.repeat(maxBodyBytes)}"}`

        for (const body of [long, Readable.from([long])]) {
          const answer = await ask(method, url, { body })
          assert.deepEqual([answer.statusCode, answer.json().error], [413, 'body_oversize'])
        }
      })

    if (takes === 'json') {
      void test('says 415 to what is no JSON, or packed', async () => {
        const { ask } = await withEnvelope()

        for (const headers of [
          { 'content-type': 'text/plain' },
          { 'content-type': 'application/json; charset=latin1' },
          { 'content-type': '$$$' },
          { 'content-encoding': 'gzip' }
        ]) {
          const answer = await ask(method, url, { ...body, headers })
          assert.deepEqual([answer.statusCode, answer.json().error], [415, 'unsupported_media_type'])
        }
      })

      void test('says 400 to JSON that is none, and never why it failed inside', async () => {
        const { ask, errors } = await withEnvelope()

        for (const text of [
          '',
          '{',
          '[]',
          'null',
          '{"a":1.5}',
          '{"a":1,"a":2}',
          '{"a":"\\ud800"}',
          '['.repeat(9999),
          '{} {}',
          '\ufeff{}'
        ]) {
          const answer = await ask(method, url, { body: text })
          assert.deepEqual([answer.statusCode, answer.json().error], [400, 'bad_payload'], text)
        }
        assert.deepEqual(errors, [])
      })
    }

    if (role === 'write')
      void test('says 503 and when to ask again while too much waits to be written', async () => {
        const full = { isFull: true }
        const stores = { envelopes: full, notary: full, rooms: full, artifacts: full } as never
        const { ask } = await surface({ options: { stores: () => stores } })

        const answer = await ask(method, url, body)

        assert.deepEqual([answer.statusCode, answer.json().error], [503, 'saturated'])
        assert.match(String(answer.headers['retry-after']), /^[1-5]$/)
      })

    if (role !== 'none')
      void test('says 503 and when to ask again while the node sheds or its store is not open', async () => {
        const shedding = await surface({ options: { refusal: () => new OapError('not_ready') } })
        const closed = await surface({ options: { stores: () => undefined } })

        for (const { ask } of [shedding, closed]) {
          const answer = await ask(method, url, body)
          assert.deepEqual([answer.statusCode, answer.json().error], [503, 'not_ready'])
          assert.match(String(answer.headers['retry-after']), /^[1-5]$/)
        }
      })
  })
}

void test('what is no route is 404, and a path that only looks like one', async () => {
  const { ask, problems } = await surface()

  for (const url of [
    '/ams/v1/',
    '/ams/v1/other',
    '/ams/v1/envelopes/',
    '/ams/v1/health/',
    '/notary/v1/',
    '/room/v1/x'
  ])
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await ask(method, url, { body: '{}' })
      assert.deepEqual([answer.statusCode, answer.json().error], [404, 'not_found'], `${method} ${url}`)
    }
  assert.equal(new Set(problems).size, 1)
})

void test('a query is read by its schema, and what is wrong is named', async () => {
  const { ask } = await surface()
  const refused = async (query: string): Promise<[number, string, string]> => {
    const answer = await ask('GET', `/ams/v1/envelopes?${query}`)
    const { error, message } = answer.json()
    return [answer.statusCode, error, message]
  }

  assert.deepEqual(await refused('limit=201'), [400, 'bad_query', 'limit: give at most 200'])
  assert.deepEqual(await refused('limit=0'), [400, 'bad_query', 'limit: give at least 1'])
  for (const limit of ['1e2', '-1', '+5', '5.0', '', '0x10', '99999999999'])
    assert.deepEqual(await refused(`limit=${limit}`), [400, 'bad_query', 'limit: give a whole number'])
  assert.deepEqual(await refused('dir=up'), [400, 'bad_query', 'dir: give one of desc, asc'])
  assert.deepEqual((await refused('thread=')).slice(0, 2), [400, 'bad_query'])
  assert.deepEqual((await refused('thread=a%00b')).slice(0, 2), [400, 'bad_query'])
  assert.deepEqual((await refused(`thread=${'x'.repeat(257)}`)).slice(0, 2), [400, 'bad_query'])
  for (const cursor of ['AAAAAAAAAAAA', 'a', `${'A'.repeat(11)}=`])
    assert.equal((await refused(`cursor=${cursor}`))[0], 400, cursor)
})

void test('whoever asks learns nothing of why the node failed, and the operator all', async () => {
  const cause = new Error('path /secret/place')
  const { ask, errors, problems } = await surface({ posting: { judge: () => Promise.reject(cause) } })

  const answer = await ask('POST', '/ams/v1/envelopes', { body: note() })

  assert.equal(answer.statusCode, 500)
  assert.deepEqual(Object.keys(answer.json()), ['ok', 'error', 'message', 'request_id'])
  assert.doesNotMatch(answer.body, /secret/)
  assert.deepEqual([errors, problems], [[cause], ['internal']])
})

void test('what a hub says of itself needs no token', async () => {
  const { ask } = await surface()

  const health = (await ask('GET', '/ams/v1/health', { role: null })).json()
  const policy = (await ask('GET', '/ams/v1/policy', { role: null })).json()

  assert.deepEqual(health, {
    ok: true,
    service: 'omnigate',
    mode: 'memory',
    now: NOW,
    url: 'http://127.0.0.1:4803',
    write_mode: 'token',
    features: { sync: true }
  })
  assert.deepEqual(Object.keys(policy), ['ok', 'policy', 'policy_version', 'policy_hash'])
})
