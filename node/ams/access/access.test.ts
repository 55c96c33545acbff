import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { OapError } from '../../../protocols/index.ts'
import type { VerifiedToken } from '../../../protocols/index.ts'
import { ADMIN, READ, WRITE, guardedApp, known } from './access.fixture.ts'
import type { Admitting } from './access.ts'
import { RequestLimits } from './request-limits.ts'
import { DEFAULT_RATES } from './access-rates.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import { StaticTokens, staticToken } from './static-tokens.ts'

const ROUTES = { none: 'GET', read: 'GET', write: 'POST', admin: 'POST' } as const
type Route = keyof typeof ROUTES

const ask = (app: FastifyInstance, path: string, more: InjectOptions = {}) =>
  app.inject({
    method: ROUTES[path.slice(1) as Route] ?? 'GET',
    url: path,
    ...more,
    headers: { host: 'localhost:4803', ...more.headers }
  })

const bearer = (token: string): InjectOptions => ({ headers: { authorization: `Bearer ${token}` } })

/** The status of each route, for each caller, in each mode. */
const STATUSES = [
  ['nobody in particular', undefined, { none: 200, read: 200, write: 401, admin: 401 }],
  ['a reader', READ, { none: 200, read: 200, write: 403, admin: 403 }],
  ['a writer', WRITE, { none: 200, read: 200, write: 200, admin: 403 }],
  ['an admin', ADMIN, { none: 200, read: 200, write: 200, admin: 200 }],
  ['a token that nobody knows', 'unknown', { none: 200, read: 401, write: 401, admin: 401 }]
] as const

for (const [who, token, statuses] of STATUSES)
  for (const [route, status] of Object.entries(statuses))
    test(`${who} gets ${status} of what needs the role ${route}`, async t => {
      const { app } = guardedApp(t)

      const plain = token === undefined ? {} : { headers: { 'x-ams-token': token } }
      const answers = await Promise.all([
        ask(app, `/${route}`, token === undefined ? {} : bearer(token)),
        ask(app, `/${route}`, plain)
      ])

      assert.deepEqual(
        answers.map(({ statusCode }) => statusCode),
        [status, status]
      )
    })

test('in open mode whoever comes may write, administer nothing, and not show a token that is not good', async t => {
  const { app } = guardedApp(t, { known: () => ({ ...known, writeMode: 'open' }) })

  const written = await ask(app, '/write')

  assert.equal(written.statusCode, 200)
  assert.deepEqual(written.json().caller, { role: 'write', name: 'anonymous', isModerator: false })
  assert.equal((await ask(app, '/admin')).statusCode, 401)
  assert.equal((await ask(app, '/write', bearer('unknown'))).statusCode, 401)
  assert.equal((await ask(app, '/write', bearer(READ))).statusCode, 403)
})

test('where reading is private it needs a token, too', async t => {
  const { app } = guardedApp(t, { known: () => ({ ...known, isPrivate: true }) })

  assert.equal((await ask(app, '/none')).statusCode, 200)
  assert.equal((await ask(app, '/read')).statusCode, 401)
  assert.equal((await ask(app, '/read', bearer(READ))).statusCode, 200)
})

test('a mode that changes holds from the next request on', async t => {
  let mode: 'open' | 'token' = 'open'
  const { app } = guardedApp(t, { known: () => ({ ...known, writeMode: mode }) })

  const before = await ask(app, '/write')
  mode = 'token'
  const after = await ask(app, '/write')

  assert.deepEqual([before.statusCode, after.statusCode], [200, 401])
})

test('an answer of 401 says how to be let in, and one of 403 what is missing', async t => {
  const { app, refused } = guardedApp(t)

  const missing = await ask(app, '/write', { headers: { 'x-request-id': 'job-7' } })
  const bad = await ask(app, '/write', bearer('not-a-good-token'))
  const low = await ask(app, '/admin', bearer(WRITE))

  assert.equal(missing.headers['www-authenticate'], 'Bearer realm="ams"')
  assert.deepEqual(missing.json(), {
    ok: false,
    error: 'unauthorized',
    message: 'this needs a token of the role write: send Authorization: Bearer TOKEN',
    request_id: 'job-7'
  })
  assert.equal(bad.headers['www-authenticate'], 'Bearer realm="ams", error="invalid_token"')
  assert.doesNotMatch(bad.body, /not-a-good-token/)
  assert.equal(
    low.headers['www-authenticate'],
    'Bearer realm="ams", error="insufficient_scope", scope="admin"'
  )
  assert.equal(low.json().error, 'forbidden')
  assert.deepEqual(refused, ['unauthorized', 'unauthorized', 'forbidden'])
})

test('tokens in both headers that differ are 401, the same in both is one token', async t => {
  const { app } = guardedApp(t)
  const both = (token: string) => ({ headers: { authorization: `Bearer ${WRITE}`, 'x-ams-token': token } })

  assert.equal((await ask(app, '/write', both(WRITE))).statusCode, 200)
  assert.equal((await ask(app, '/write', both(ADMIN))).statusCode, 401)
  assert.equal((await ask(app, '/write', both(''))).statusCode, 401)
})

test('two lines of Authorization are 401 though the first is good', async t => {
  const { app } = guardedApp(t)

  const answer = await ask(app, '/write', {
    headers: { authorization: [`Bearer ${WRITE}`, `Bearer ${ADMIN}`] as unknown as string }
  })

  assert.equal(answer.statusCode, 401)
})

test('a token in the address, in a cookie or in the body lets nobody in', async t => {
  const { app } = guardedApp(t)

  const answers = await Promise.all([
    ask(app, `/write?access_token=${WRITE}&x-ams-token=${WRITE}`, { method: 'POST' }),
    ask(app, '/write', { headers: { cookie: `token=${WRITE}; x-ams-token=${WRITE}` } }),
    ask(app, '/write', { payload: { token: WRITE, access_token: WRITE } })
  ])

  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [401, 401, 401]
  )
})

test('a path in other letters of the same is guarded all the same', async t => {
  const { app } = guardedApp(t)

  assert.equal((await ask(app, '/%77rite', { method: 'POST' })).statusCode, 401)
  assert.equal((await ask(app, '/write?x=1', { method: 'POST' })).statusCode, 401)
})

test('another host gets 421, with and without a token', async t => {
  const { app } = guardedApp(t)

  const answer = await ask(app, '/admin', {
    headers: { host: 'evil.example', authorization: `Bearer ${ADMIN}` }
  })

  assert.equal(answer.statusCode, 421)
  assert.equal(answer.json().error, 'misdirected')
})

test('a page of another site may neither read nor write, whatever token it has, and is not counted', async t => {
  const { app } = guardedApp(t, { known: () => ({ ...known, writeMode: 'open' }) })
  const from = (origin: string) => ({ headers: { origin } })

  const foreign = await ask(app, '/write', from('https://evil.example'))
  const nameless = await ask(app, '/write', {
    headers: { origin: 'null', authorization: `Bearer ${ADMIN}` }
  })
  const read = await ask(app, '/read', from('https://evil.example'))
  const asked = await ask(app, '/write', {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
  })

  assert.deepEqual([foreign.statusCode, nameless.statusCode, read.statusCode], [403, 403, 403])
  assert.equal(foreign.json().error, 'origin_denied')
  for (const { headers } of [foreign, nameless, read, asked])
    assert.deepEqual(
      Object.keys(headers).filter(name => name.startsWith('access-control-')),
      []
    )
  assert.notEqual(asked.statusCode, 204)

  // As an image asks, or a fetch that does not read the answer.
  const hidden = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
  for (let n = 0; n < 250; n++)
    assert.equal((await ask(app, '/read', { method: 'GET', headers: hidden })).statusCode, 403)
  assert.equal((await ask(app, '/read', { method: 'GET' })).statusCode, 200)
})

test('who follows a link from another site is answered, and no frame or form of it', async t => {
  const { app } = guardedApp(t)
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const read = async (method: 'GET' | 'POST', url: string, headers: object) =>
    (await ask(app, url, { method, headers: { ...link, ...headers } })).statusCode

  const followed = await read('GET', '/read', {})
  const framed = await read('GET', '/read', { 'sec-fetch-dest': 'iframe' })
  const sent = await read('POST', '/write', { origin: 'https://evil.example' })

  assert.deepEqual([followed, framed, sent], [200, 403, 403])
})

test('a page of a listed origin is told that it may, and reads the answer', async t => {
  const { app } = guardedApp(t)
  const origin = 'https://app.example.org'

  const asked = await ask(app, '/write', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' }
  })
  const written = await ask(app, '/write', { headers: { origin, authorization: `Bearer ${WRITE}` } })
  const without = await ask(app, '/write', { headers: { origin } })

  assert.equal(asked.statusCode, 204)
  assert.match(String(asked.headers['access-control-allow-headers']), /x-ams-token/)
  assert.equal(written.statusCode, 200)
  assert.equal(written.headers['access-control-allow-origin'], origin)
  assert.equal(written.headers['access-control-allow-credentials'], undefined)
  assert.equal(without.statusCode, 401)
})

test('each answer has the security headers and the id of its request', async t => {
  const { app } = guardedApp(t)

  const answers = await Promise.all([
    ask(app, '/none'),
    ask(app, '/write'),
    ask(app, '/nowhere'),
    ask(app, '/none', { headers: { host: 'evil.example' } })
  ])

  for (const { headers } of answers) {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) assert.equal(headers[name], value, name)
    assert.match(String(headers['x-request-id']), /^req_[0-9a-f]{32}$/)
  }
})

test('the id of a request is the one that it gave, in the answer and for the route', async t => {
  const { app } = guardedApp(t)

  const given = await ask(app, '/none', { headers: { 'x-request-id': 'a.b-c_D9' } })
  const bad = await ask(app, '/none', { headers: { 'x-request-id': '<script>' } })

  assert.deepEqual([given.headers['x-request-id'], given.json().id], ['a.b-c_D9', 'a.b-c_D9'])
  assert.match(String(bad.headers['x-request-id']), /^req_/)
})

test('beyond the limits the answer is 429 with all that a client needs to wait', async t => {
  const { app, refused } = guardedApp(t, { known: () => ({ ...known, writeMode: 'open' }) })
  const write = (n: number) => ask(app, '/write', { headers: { 'user-agent': `agent ${n}` } })

  const answers = []
  for (let n = 0; n < 31; n++) answers.push(await write(n))
  const [first, last] = [answers[0]!, answers[30]!]

  assert.ok(answers.slice(0, 30).every(({ statusCode }) => statusCode === 200))
  assert.equal(first.headers['ratelimit'], '"ip";r=29;t=2')
  assert.equal(last.statusCode, 429)
  assert.equal(last.headers['retry-after'], '2')
  assert.equal(last.headers['ratelimit-policy'], '"ip";q=30;w=60')
  assert.equal(last.headers['ratelimit'], '"ip";r=0;t=2')
  const { request_id: id, ...body } = last.json()
  assert.match(id, /^req_/)
  assert.deepEqual(body, {
    ok: false,
    error: 'rate_limited',
    message: 'too many requests for ip: 30 a minute; ask again in 2 s',
    bucket: 'ip',
    limit_per_min: 30,
    retry_after_sec: 2
  })
  assert.deepEqual(refused, ['rate_limited'])
})

test('health is never counted, paths that are nowhere are', async t => {
  const { app } = guardedApp(t)

  for (let n = 0; n < 200; n++) assert.equal((await ask(app, '/nowhere')).statusCode, 404)

  assert.equal((await ask(app, '/nowhere')).statusCode, 429)
  assert.equal((await ask(app, '/none')).statusCode, 429)
  assert.equal((await ask(app, '/health')).statusCode, 200)
})

test('who invents a forwarded address is counted as who it is, who comes through a proxy as its client', async t => {
  const { app } = guardedApp(t)
  const from = (remoteAddress: string, forwarded: string) =>
    ask(app, '/none', { remoteAddress, headers: { 'x-forwarded-for': forwarded, 'x-real-ip': '127.0.0.1' } })

  for (let n = 0; n < 200; n++) await from('203.0.113.9', `198.51.100.${n}`)
  const spoofed = await from('203.0.113.9', '198.51.100.250')
  const behind = await from('10.0.0.1', '127.0.0.1, 203.0.113.9')
  const another = await from('10.0.0.1', '203.0.113.9, 198.51.100.1')

  assert.equal(spoofed.statusCode, 429)
  assert.equal(behind.statusCode, 429)
  assert.equal(another.statusCode, 200)
  assert.equal(another.json().clientIp, '198.51.100.1')
})

test('who guesses tokens learns nothing after ten, and keeps nobody out who has a token of 32 bytes', async t => {
  let now = 0
  const tokens = new StaticTokens([...known.tokens.list, staticToken('short', 'write', 'abc123')])
  const { app } = guardedApp(t, { now: () => now, known: () => ({ ...known, tokens }) })
  const show = (token: string, remoteAddress = '203.0.113.9') =>
    ask(app, '/write', { remoteAddress, ...bearer(token) })

  for (let n = 0; n < 10; n++) assert.equal((await show(`guess-${n}`)).statusCode, 401)
  const [wrong, right, long] = [await show('guess-10'), await show('abc123'), await show(WRITE)]
  const other = await show('abc123', '198.51.100.1')
  now = 6000
  const later = await show('abc123')

  assert.deepEqual([wrong.statusCode, right.statusCode, long.statusCode], [429, 429, 200])
  const [told, toldToo] = [wrong, right].map(answer => answer.body.replace(/req_\w+/, ''))
  assert.equal(told, toldToo)
  assert.equal(right.json().bucket, 'failed_tokens')
  assert.deepEqual([other.statusCode, later.statusCode], [200, 200])
})

test('a capability is asked for what no static token is, and admitted as far as it allows', async t => {
  const caller = { role: 'write', name: 'cap:0a', isModerator: false } as const
  const token = { capId: '0a' } as unknown as VerifiedToken
  const capabilities = {
    judge: (text: string) => {
      if (text === 'cap') return { caller, token }
      return text === 'old' ? { problem: 'the capability has expired' } : undefined
    }
  }
  const admitted: Admitting[] = []
  let over = 0
  const { app, refused } = guardedApp(t, {
    known: () => ({ ...known, capabilities }),
    admit: asked =>
      admitted.push(asked) !== 3
        ? () => over++
        : new OapError('quota_capability', undefined, { retryAfterMs: 1500 })
  })

  const answers = []
  for (let n = 0; n < 3; n++) answers.push(await ask(app, '/write', bearer('cap')))
  const old = await ask(app, '/write', bearer('old'))
  const bot = await ask(app, '/write', bearer(WRITE))
  await ask(app, '/none', bearer('cap'))
  await ask(app, '/admin', bearer('cap'))

  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 200, 429]
  )
  const { headers, ...last } = answers[2]!
  assert.deepEqual(
    [headers['retry-after'], last.json().error, last.json().retry_after_sec],
    ['2', 'quota_capability', 2]
  )
  assert.deepEqual(refused.slice(0, 1), ['quota_capability'])
  assert.equal(over, 3)
  // What needs no role is charged to nobody's quota, and what is refused for its role is not either.
  assert.deepEqual(
    admitted.slice(0, 3).map(one => [one.token, one.role, one.isKnown, one.caller.name]),
    Array.from({ length: 3 }, () => [token, 'write', true, 'cap:0a'])
  )
  assert.deepEqual([old.statusCode, old.json().message], [401, 'the capability has expired'])
  assert.deepEqual([bot.json().caller.name, admitted.length, admitted[3]?.token], ['bot', 4, undefined])
})

test('routes of others, by their pattern, are left alone', async t => {
  const { app } = guardedApp(t, {
    isOurs: pattern => pattern !== '/none',
    limits: new RequestLimits(DEFAULT_RATES)
  })

  const left = await ask(app, '/none', { headers: { host: 'evil.example' } })

  assert.equal(left.statusCode, 200)
  assert.equal((await ask(app, '/read', { headers: { host: 'evil.example' } })).statusCode, 421)
  assert.equal((await ask(app, '/nowhere', { headers: { host: 'evil.example' } })).statusCode, 421)
})

test('which route it is, is said by its pattern, however the path is written', async t => {
  const { app } = guardedApp(t, { isOurs: pattern => pattern === '/read' })

  for (const url of ['/read', '/%72ead', '/read?x', '/re%61d#y'])
    assert.equal((await ask(app, url, { headers: { host: 'evil.example' } })).statusCode, 421, url)
})

test('without limits nothing is counted', async t => {
  const { app } = guardedApp(t, { limits: undefined, known: () => ({ ...known, writeMode: 'open' }) })

  for (let n = 0; n < 50; n++) assert.equal((await ask(app, '/write')).statusCode, 200)
})
