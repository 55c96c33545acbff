import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AMS_ROUTES, amsRoutes } from '../routes/index.ts'
import type { AmsParts } from '../routes/index.ts'
import { ADMIN, READ, WRITE, guardedApp, known } from './access.fixture.ts'
import { harden } from './harden.ts'
import type { WriteMode } from './identify.ts'

/** No store: what is let in fails there, and that it came so far is all that is asked. */
const PARTS = {
  stores: () => assert.fail('no store'),
  health: () => ({}),
  policy: () => ({}),
  nowMs: () => 0,
  refusal: () => undefined,
  onProblem: () => undefined,
  onError: () => undefined
} as unknown as AmsParts

const rows = AMS_ROUTES.map(({ method, path, role }) => ({
  method,
  url: path.replace(/\{\w+\}$/, 'a'),
  role
}))

test('every route that writes is open before a hub is hardened, and needs a WRITE token afterwards', async t => {
  let writeMode: WriteMode = 'open'
  const { app } = guardedApp(t, { limits: undefined, known: () => ({ ...known, writeMode }) })
  amsRoutes(PARTS)(app)
  const statusesOf = async (token?: string): Promise<readonly number[]> => {
    const writing = rows.filter(({ role }) => role === 'write')
    const headers = {
      host: 'localhost',
      'content-type': 'application/json',
      ...(token && { 'x-ams-token': token })
    }
    const answers = await Promise.all(
      writing.map(({ method, url }) => app.inject({ method, url, headers, payload: '{}' }))
    )
    return answers.map(({ statusCode }) => statusCode)
  }

  const before = await statusesOf()
  const hardening = harden({
    writeMode,
    writeRequiresAuth: false,
    writeRequiresToken: false,
    sandbox: '',
    tokens: known.tokens.list,
    isRateLimited: true,
    proxies: []
  })
  writeMode = hardening.settings['gateway.write_mode'] as WriteMode
  const [after, low, good] = [await statusesOf(), await statusesOf(READ), await statusesOf(WRITE)]

  assert.ok(before.length >= 2)
  assert.ok(before.every(status => status !== 401 && status !== 403))
  assert.ok(after.every(status => status === 401))
  assert.ok(low.every(status => status === 403))
  assert.deepEqual(good, before)
})

test('where reading is private every route but those for anybody needs a token', async t => {
  const { app } = guardedApp(t, { limits: undefined, known: () => ({ ...known, isPrivate: true }) })
  amsRoutes(PARTS)(app)

  for (const { method, url, role } of rows) {
    const { statusCode } = await app.inject({ method, url, headers: { host: 'localhost' } })
    assert.equal(statusCode === 401, role !== 'none', `${method} ${url}: ${statusCode}`)
  }
})

test('every answer of the surface has its headers and its id, whatever it is', async t => {
  const { app } = guardedApp(t, { limits: undefined })
  amsRoutes(PARTS)(app)
  const ask = (method: 'GET' | 'PUT' | 'POST', url: string) =>
    app.inject({ method, url, headers: { host: 'localhost', 'x-ams-token': ADMIN, 'x-request-id': 'r1' } })

  const answers = await Promise.all([
    ask('GET', '/ams/v1/health'),
    ask('GET', '/ams/v1/nothing'),
    ask('PUT', '/ams/v1/envelopes'),
    ask('POST', '/ams/v1/envelopes'),
    ask('GET', '/ams/v1/envelopes?limit=x')
  ])

  for (const { headers, statusCode } of answers) {
    assert.equal(headers['x-request-id'], 'r1', String(statusCode))
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(String(headers['content-security-policy']), /default-src 'none'/)
  }
  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 404, 405, 415, 400]
  )
})

test('a page of a listed origin may ask beforehand, at each path', async t => {
  const { app } = guardedApp(t, { limits: undefined })
  amsRoutes(PARTS)(app)
  const asked = { host: 'localhost', 'access-control-request-method': 'POST' }

  for (const { url } of rows) {
    const listed = { ...asked, origin: 'https://app.example.org' }
    const { statusCode } = await app.inject({ method: 'OPTIONS', url, headers: listed })
    const foreign = { ...asked, origin: 'https://evil.example' }
    const { headers } = await app.inject({ method: 'OPTIONS', url, headers: foreign })
    assert.deepEqual([statusCode, headers['access-control-allow-origin']], [204, undefined], url)
  }
})
