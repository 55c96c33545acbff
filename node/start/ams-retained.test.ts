import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const ADMIN = 'an-admin-token-of-more-than-32-bytes'
const env = { AMS_ADMIN_TOKEN: ADMIN }
const COUNT = 100
const overrides = { loopDelay: { tick() {}, take: () => 0 }, env }
const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
const flags = {
  'http.enabled': true,
  'http.listen': '127.0.0.1:0',
  'gateway.rate_limits': false,
  'node.listen': ['/ip4/127.0.0.1/tcp/0'],
  'log.level': 'silent',
  'limits.maxDelayMs': 3_600_000
}

/** Fills a node, has all but 2 of each removed, and dies by kill -9 once the first batch is gone. */
const script = (data: string): string => `
  import { loadConfig } from ${module('../config/index.ts')}
  import { createNode } from ${module('../node.ts')}
  import { EnvelopeStore } from ${module('../stores/ams/index.ts')}
  const removeOld = EnvelopeStore.prototype.removeOld
  EnvelopeStore.prototype.removeOld = async function (...asked) {
    await removeOld.apply(this, asked)
    process.kill(process.pid, 'SIGKILL')
  }
  const overrides = { loopDelay: { tick() {}, take: () => 0 }, env: ${JSON.stringify(env)} }
  const node = createNode(loadConfig({ flags: ${JSON.stringify(flags)} }).config, {
    data: ${JSON.stringify(data)}, init: true, overrides
  })
  await node.start()
  const url = node.status().http
  const headers = { 'content-type': 'application/json', 'x-ams-token': ${JSON.stringify(ADMIN)} }
  const ask = async (method, path, body) => {
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(answer.status + ' ' + (await answer.text()))
  }
  const push = Array.from({ length: ${COUNT} }, (_, n) => (
    { id: 'e' + n, type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { n } }
  ))
  await ask('POST', '/ams/v1/sync', { push, pull: false })
  for (let n = 0; n < 4; n++) {
    await ask('PUT', '/ams/v1/artifacts/a' + n, { n })
    await ask('POST', '/room/v1/messages?room=lobby', { id: 'm' + n, body: { n } })
  }
  await ask('POST', '/admin/v1/retention', { count: 2 })
`

test('a run of retention that kill -9 cut off goes on, and nothing is lost that was to stay', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-retained-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')

  const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script(data)], {
    stdio: 'inherit'
  })
  assert.equal(killed.signal, 'SIGKILL')
  const node = await runningNode(t, { data, flags, options: { overrides } })
  const url = `${node.status().http}`
  const headers = { 'content-type': 'application/json', 'x-ams-token': ADMIN }
  const ask = async (method: string, path: string, body?: object) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(url + path, { method, headers, ...sent })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  // Finds the run that goes on, or one more that has nothing to do; each waits for its end for 5 s.
  let status = 202
  while (status === 202) status = (await ask('POST', '/admin/v1/retention', { count: 2 })).status

  assert.equal(status, 200)
  const left = await ask('GET', '/ams/v1/envelopes?dir=asc')
  const [items, cursor] = [left.body['items'] as { id: string }[], left.body['nextCursor'] as string]
  assert.deepEqual(
    items.map(({ id }) => id),
    [`e${COUNT - 2}`, `e${COUNT - 1}`]
  )
  const messages = (await ask('GET', '/room/v1/messages?room=lobby')).body['items'] as { id: string }[]
  assert.deepEqual(
    messages.map(({ id }) => id),
    ['m3', 'm2']
  )
  const artifacts = [0, 1, 2, 3].map(
    async n => (await fetch(`${url}/ams/v1/artifacts/a${n}?payload=1`)).status
  )
  assert.deepEqual(await Promise.all(artifacts), [404, 404, 200, 200])
  assert.equal((await ask('GET', '/ams/v1/envelopes/e0')).status, 404)
  const again = { id: 'e0', type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: {} }
  assert.equal((await ask('POST', '/ams/v1/envelopes', again)).status, 201)
  const later = (await ask('GET', `/ams/v1/envelopes?dir=asc&cursor=${cursor}`)).body['items'] as {
    id: string
  }[]
  assert.deepEqual(
    later.map(({ id }) => id),
    ['e0']
  )

  const entries = await entriesIn(data)
  const runs = new Map(
    entries
      .filter(({ type }) => type === 'ams.retention')
      .map(entry => [
        entry.data['at_ms'],
        [entry.actor, entry.data['envelopes'], entry.data['messages'], entry.data['artifacts']]
      ])
  )
  assert.deepEqual([...runs.values()][0], ['token:env-admin', COUNT - 2, 2, 2])
  assert.equal(entries.filter(({ type }) => type === 'ams.envelope.created').length, COUNT + 1)
  assert.deepEqual(
    entries.filter(({ type }) => type === 'token').map(entry => [entry.data['change'], entry.data['role']]),
    [['add', 'admin']]
  )
})

test('the operator of a running node redacts, blocks and sees what is taken, and the log has it', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-moderated-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  const node = await runningNode(t, { data, flags, options: { overrides } })
  const url = `${node.status().http}`
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json', 'x-ams-token': ADMIN }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(url + path, { method, headers, ...sent })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const note = { id: 'e1', type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { text: 'mine' } }
  await ask('POST', '/ams/v1/envelopes', note)

  const redacted = await ask('POST', '/admin/v1/redact', { id: 'e1', reason: 'asked for' })
  await ask('POST', '/admin/v1/block', { from: 'bad', reason: 'spam' })
  const refused = await ask('POST', '/ams/v1/envelopes', { ...note, id: 'e2', from: 'bad' })
  const state = await ask('GET', '/admin/v1/retention')
  const paths = (await ask('GET', '/openapi.json')).body['paths'] as object
  const metrics = await (await fetch(`${url}/metrics`)).text()

  assert.equal((redacted.body['envelope'] as Record<string, unknown>)['redacted'], true)
  assert.deepEqual([refused.status, refused.body['error']], [403, 'sender_blocked'])
  assert.equal(state.body['max_bytes'], 2 ** 30)
  for (const path of ['redact', 'retention', 'quarantine', 'blocked', 'spam'])
    assert.ok(`/admin/v1/${path}` in paths, path)
  assert.match(metrics, /^ams_blocked_senders 1$/m)
  assert.match(metrics, /^ams_bytes [1-9]/m)
  assert.match(metrics, /^ams_problems_total\{code="sender_blocked"\} 1$/m)
  const types = (await entriesIn(data)).map(({ type }) => type)
  for (const type of ['ams.envelope.redacted', 'ams.sender']) assert.ok(types.includes(type as never), type)
})
