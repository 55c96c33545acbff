import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadConfig } from '../config/index.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'
import { tokenKeeper } from './tokens.ts'

const ADMIN = 'an-admin-token-of-more-than-32-bytes'
const PATH = '/admin/v1/tokens'

test('who is an admin over HTTP makes a token that is good at once, shown once, and ends it', async t => {
  const { data, ask } = await served(t)

  const made = await ask('POST', PATH, { name: 'bot', role: 'write' })
  const { token } = made.body as { token: string }
  const written = await ask('POST', '/ams/v1/submit', NOTE, token)
  const refused = await ask('POST', PATH, { name: 'b', role: 'read' }, token)
  const listed = await ask('GET', PATH)
  const again = await ask('POST', PATH, { name: 'bot', role: 'read' })
  const removed = await ask('DELETE', `${PATH}/bot`)
  const ended = await ask('POST', '/ams/v1/submit', NOTE, token)
  const gone = await ask('DELETE', `${PATH}/bot`)

  assert.deepEqual(
    [made, written, refused, listed, again, removed, ended, gone].map(({ status }) => status),
    [201, 202, 403, 200, 409, 200, 401, 404]
  )
  assert.deepEqual(listed.body['items'], [
    { name: 'env-admin', role: 'admin', from: 'environment' },
    { name: 'bot', role: 'write', from: 'file' }
  ])
  assert.deepEqual(removed.body, { ok: true, removed: 'bot' })
  const told = await entriesIn(data)
  assert.deepEqual(
    told
      .filter(({ type }) => type === 'token')
      .map(({ actor, data: said }) => [actor, said['change'], said['role']]),
    [
      ['local', 'add', 'admin'],
      ['token:env-admin', 'add', 'write'],
      ['token:env-admin', 'remove', 'write']
    ]
  )
  const kept = readFileSync(join(data, 'keys', 'ams-tokens.json'), 'utf8')
  for (const text of [kept, JSON.stringify([told, listed.body])]) assert.ok(!text.includes(token))
})

test('a token of the command line is there at once, and is told as the doing of its operator', async t => {
  const { data, ask } = await served(t)
  await (await tokenKeeper(data, loadConfig().config)).add('cli', 'read')

  const taken = await ask('POST', PATH, { name: 'cli', role: 'read' })
  const removed = await ask('DELETE', `${PATH}/cli`)

  assert.deepEqual([taken.status, taken.body['error'], removed.status], [409, 'conflict', 200])
  assert.deepEqual(
    (await entriesIn(data))
      .filter(({ type }) => type === 'token')
      .map(({ actor, data: said }) => [actor, said['change']]),
    [
      ['local', 'add'],
      ['local', 'add'],
      ['token:env-admin', 'remove']
    ]
  )
})

test('what is no token is refused, and one of the environment stays', async t => {
  const { ask } = await served(t)
  const long = 'a'.repeat(65)

  for (const [method, path, body, expected] of [
    ['POST', PATH, { name: 'bot' }, '400 missing_member'],
    ['POST', PATH, { name: 'bot', role: 'root' }, '400 bad_form'],
    ['POST', PATH, { name: 'Bot B', role: 'read' }, '400 bad_form'],
    ['POST', PATH, { name: 'hub', role: 'read' }, '400 bad_form'],
    ['POST', PATH, { name: long, role: 'read' }, '400 bad_form'],
    ['POST', PATH, { name: 7, role: 'read' }, '400 bad_form'],
    ['POST', PATH, { name: 'bot', role: 'read', text: 'mine' }, '400 unknown_member'],
    ['POST', PATH, { name: 'x'.repeat(2000), role: 'read' }, '413 body_oversize'],
    ['POST', PATH, { name: 'env-admin', role: 'read' }, '409 conflict'],
    ['POST', PATH, { name: 'env-read', role: 'read' }, '409 conflict'],
    ['DELETE', `${PATH}/env-admin`, undefined, '409 conflict'],
    ['DELETE', `${PATH}/${long}`, undefined, '404 not_found'],
    ['DELETE', `${PATH}/a%2Fb`, undefined, '404 not_found'],
    ['DELETE', PATH, undefined, '405 method_not_allowed'],
    ['PUT', `${PATH}/bot`, {}, '405 method_not_allowed']
  ] as const) {
    const { status, body: said } = await ask(method, path, body)
    assert.equal(`${status} ${String(said['error'])}`, expected, `${method} ${path} ${JSON.stringify(body)}`)
    assert.equal(typeof said['request_id'], 'string')
  }
  const stranger = await ask('GET', PATH, undefined, '')
  assert.deepEqual(
    [stranger.status, (await ask('GET', PATH)).body['items']],
    [401, [{ name: 'env-admin', role: 'admin', from: 'environment' }]]
  )
})

test('of many who give out the same name at once one has it', async t => {
  const { ask } = await served(t)

  const made = await Promise.all(
    Array.from({ length: 8 }, () => ask('POST', PATH, { name: 'bot', role: 'read' }))
  )

  assert.deepEqual(
    made.map(({ status }) => status).sort((a, b) => a - b),
    [201, ...Array.from({ length: 7 }, () => 409)]
  )
})

const NOTE = { type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { text: 'hello' } }

async function served(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-tokens-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  const node = await runningNode(t, {
    data,
    flags: {
      'http.enabled': true,
      'http.listen': '127.0.0.1:0',
      'gateway.write_mode': 'token',
      'gateway.rate_limits': false
    },
    options: {
      overrides: { env: { AMS_ADMIN_TOKEN: ADMIN }, loopDelay: { tick: () => undefined, take: () => 0 } }
    }
  })
  const url = String(node.status().http)
  const ask = async (method: string, path: string, body?: object, token = ADMIN) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(token !== '' && { 'x-ams-token': token }),
        ...(body !== undefined && { 'content-type': 'application/json' })
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  return { data, ask }
}
