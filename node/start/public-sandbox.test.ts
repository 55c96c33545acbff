import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import pino from 'pino'
import { hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { runningNode } from '../running-node.fixture.ts'
import { grant, newShare, row, tenantOf } from '../shares/shares.fixture.ts'
import { hardenFolder } from './hardening.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'
const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const TOKENS = { AMS_WRITE_TOKEN: WRITE, AMS_ADMIN_TOKEN: ADMIN }
const HTTP = { 'http.enabled': true, 'http.listen': '127.0.0.1:0' }
// However busy the machine is, nothing is shed.
const IDLE = { tick: () => undefined, take: () => 0 }
const JSON_BODY = { 'content-type': 'application/json' }

const envelope = { type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { text: 'hi' } }

test('a public sandbox that others can reach needs an ADMIN token and limits to start, and then says what it is', async t => {
  const lines: string[] = []
  const start = (env: Record<string, string>, more: object = {}) =>
    runningNode(t, {
      flags: { ...HTTP, 'http.listen': '0.0.0.0:0', 'gateway.sandbox': 'public', ...more },
      options: {
        overrides: { env, loopDelay: IDLE, log: pino({ level: 'warn' }, { write: line => lines.push(line) }) }
      }
    })

  await assert.rejects(start({ AMS_WRITE_TOKEN: WRITE }), /gateway\.sandbox: needs an ADMIN token/)
  await assert.rejects(
    start(TOKENS, { 'gateway.rate_limits': false }),
    /gateway\.sandbox: needs rate limits: turn them on/
  )
  await assert.rejects(
    start(TOKENS, { 'gateway.sandbox': '', 'gateway.remote': true }),
    /an open sandbox for everybody needs gateway\.sandbox = "public"/
  )
  assert.deepEqual(lines, [])
  const node = await start({ AMS_ADMIN_TOKEN: ADMIN })

  const url = `http://127.0.0.1:${new URL(String(node.status().http)).port}`
  const health = (await (await fetch(`${url}/ams/v1/health`)).json()) as Record<string, unknown>
  const posted = await fetch(`${url}/ams/v1/envelopes`, {
    method: 'POST',
    headers: JSON_BODY,
    body: JSON.stringify(envelope)
  })
  const { envelope: kept } = (await posted.json()) as { readonly envelope: { readonly status: string } }
  const [warned] = lines.map(line => JSON.parse(line)).filter(({ event }) => event === 'PublicSandbox')

  assert.deepEqual([health['write_mode'], health['sandbox']], ['open', 'public'])
  assert.match(String(health['sandbox_notice']), /^everybody may write here;.*goes to no other hub$/)
  assert.equal(warned.msg, health['sandbox_notice'])
  assert.deepEqual([posted.status, kept.status], [201, 'quarantined'])
})

test('nothing of a public sandbox goes to other hubs, also what a moderator accepts; once hardened the same thread does', async t => {
  const options = { overrides: { env: TOKENS, loopDelay: IDLE } }
  const a = await startHub(t, {
    data: hubFolder(t),
    flags: { ...HTTP, 'gateway.sandbox': 'public' },
    options
  })
  const b = await startHub(t, { data: hubFolder(t), flags: HTTP, options })
  const share = newShare()
  const rowOf = (hub: TestHub) => row(share, tenantOf(hub), 'both', ['ams/**'])
  await grant(b, a, [rowOf(b)])
  await grant(a, b, [rowOf(a)], { dials: true })
  await linked(a, b)

  const posted = await ask(a, 'POST', '/ams/v1/envelopes', { ...envelope, id: 'e1' })
  const released = await ask(a, 'POST', '/admin/v1/release', { id: 'e1' }, ADMIN)
  const statusInSandbox = (await ask(a, 'GET', '/ams/v1/envelopes/e1')).body.envelope.status
  const path = join(a.data, '..', 'omnigate.toml')
  writeFileSync(path, '[gateway]\nsandbox = "public"\n')
  const { steps } = await hardenFolder(a.data, {
    file: { path, text: await readFile(path, 'utf8') },
    isNew: false,
    env: TOKENS
  })
  const later = await ask(a, 'POST', '/ams/v1/envelopes', { ...envelope, id: 'e2' }, WRITE)
  await until(async () => (await ask(b, 'GET', '/ams/v1/envelopes/e2')).status === 200, 'e2 at the other hub')

  assert.deepEqual([posted.status, released.status, statusInSandbox], [201, 200, 'accepted'])
  assert.deepEqual([later.status, later.body.envelope.status], [201, 'accepted'])
  assert.equal((await ask(b, 'GET', '/ams/v1/envelopes/e1')).status, 404)
  assert.equal(steps.find(({ step }) => step === 'node')?.is, 'done')
  const { body: health } = await ask(a, 'GET', '/ams/v1/health')
  assert.deepEqual(
    [health.write_mode, health.sandbox, health.sandbox_notice],
    ['token', undefined, undefined]
  )
})

async function ask({ node }: TestHub, method: string, path: string, body?: object, token?: string) {
  const answer = await fetch(`${node.status().http}${path}`, {
    method,
    headers: { ...(body && JSON_BODY), ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) })
  })
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test asks for it knows
  return { status: answer.status, body: (await answer.json()) as any }
}
