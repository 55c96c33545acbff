import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '../ams/envelope.ts'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const ANSWERS = 40
const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
const envelope = (n: number) => ({
  id: `e${n}`,
  created_at: '2026-01-02T03:04:05.678Z',
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { n }
})
const bytesOf = (n: number): Buffer => Buffer.alloc(5000, `artifact ${n} `)

/** Posts an envelope and puts an artifact, and tells their number once both are answered with 201. */
const script = (data: string): string => `
  import { loadConfig } from ${module('../config/index.ts')}
  import { createNode } from ${module('../node.ts')}
  const flags = { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.listen': '127.0.0.1:0', 'log.level': 'silent',
    'gateway.rate_limits': false, 'limits.maxDelayMs': 3600000 }
  const overrides = { loopDelay: { tick() {}, take: () => 0 } }
  const node = createNode(loadConfig({ flags }).config, { data: ${JSON.stringify(data)}, init: true, overrides })
  await node.start()
  const url = node.status().http
  const envelope = ${envelope.toString()}
  const bytesOf = ${bytesOf.toString()}
  const made = async answer => {
    if (answer.status !== 201) throw new Error(answer.status + ' ' + (await answer.text()))
  }
  for (let n = 0; ; n++) {
    const headers = { 'content-type': 'application/json' }
    await Promise.all([
      fetch(url + '/ams/v1/envelopes', { method: 'POST', headers, body: JSON.stringify(envelope(n)) }).then(made),
      fetch(url + '/ams/v1/artifacts/a' + n, { method: 'PUT', body: bytesOf(n) }).then(made)
    ])
    console.log(n)
  }
`

test('what was answered with 201 is there after a kill, with the same digest and its entry in the audit log', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-killed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')

  const last = await lastBeforeKilled(script(data), ANSWERS)
  const node = await runningNode(t, {
    data,
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.rate_limits': false }
  })

  const recorded = await entriesIn(data)
  const told = (type: string): Set<unknown> =>
    new Set(recorded.filter(entry => entry.type === type).map(entry => entry.data['sha256']))
  const [created, upserted] = [told('ams.envelope.created'), told('artifact.upserted')]
  assert.ok(last >= ANSWERS - 1)
  for (let n = 0; n <= last; n++) {
    const got = await fetch(`${node.status().http}/ams/v1/envelopes/e${n}`)
    const { envelope: stored } = (await got.json()) as { envelope: { sha256: string; status: string } }
    const artifact = await fetch(`${node.status().http}/ams/v1/artifacts/a${n}?payload=1`)
    assert.deepEqual([stored.sha256, stored.status], [digestOf(envelope(n)), 'accepted'], `e${n}`)
    assert.deepEqual(Buffer.from(await artifact.arrayBuffer()), bytesOf(n), `a${n}`)
    assert.ok(created.has(stored.sha256), `e${n} is recorded`)
    assert.ok(upserted.has(createHash('sha256').update(bytesOf(n)).digest('hex')), `a${n} is recorded`)
  }
})

const ADMIN = 'an-admin-token-of-more-than-32-bytes'
const env = { AMS_ADMIN_TOKEN: ADMIN }

const KEPT = [
  { path: '/notary/v1/records', body: { id: 'r1', sha256: 'ab'.repeat(32) }, named: { record: 'r1' } },
  { path: '/room/v1/messages?room=lobby', body: { id: 'm1', body: {} }, named: { message: 'm1' } },
  { path: '/ams/v1/artifacts', body: { key: 'a1', payload: 'one' }, named: { artifact: 'a1' } }
]

/** Posts one of them, has it removed, and dies when the audit log is to have that. */
const removing = (data: string, { path, body, named }: (typeof KEPT)[number]): string => `
  import { AuditLog } from ${module('../audit/index.ts')}
  import { loadConfig } from ${module('../config/index.ts')}
  import { createNode } from ${module('../node.ts')}
  const append = AuditLog.prototype.append
  let isAsked = false
  AuditLog.prototype.append = async function (event) {
    if (isAsked && event.content.type === 'ams.removed') process.kill(process.pid, 'SIGKILL')
    return await append.call(this, event)
  }
  const flags = { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.listen': '127.0.0.1:0', 'log.level': 'silent',
    'gateway.rate_limits': false, 'limits.maxDelayMs': 3600000 }
  const overrides = { loopDelay: { tick() {}, take: () => 0 }, env: ${JSON.stringify(env)} }
  const node = createNode(loadConfig({ flags }).config, { data: ${JSON.stringify(data)}, init: true, overrides })
  await node.start()
  const url = node.status().http
  const headers = { 'content-type': 'application/json', 'x-ams-token': ${JSON.stringify(ADMIN)} }
  const ask = async (path, body) => {
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(answer.status + ' ' + (await answer.text()))
  }
  await ask(${JSON.stringify(path)}, ${JSON.stringify(body)})
  isAsked = true
  await ask('/admin/v1/remove', ${JSON.stringify(named)})
`

test('what is removed is gone after a kill at that point, and the audit log says so, of each kind', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-killed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  for (const kept of KEPT) {
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', removing(data, kept)], {
      stdio: ['ignore', 'ignore', 'inherit']
    })
    assert.equal(killed.signal, 'SIGKILL')
  }

  const node = await runningNode(t, {
    data,
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.rate_limits': false }
  })

  for (const { path } of KEPT) {
    const left = (await (await fetch(`${node.status().http}${path}`)).json()) as { readonly items: unknown }
    assert.deepEqual(left.items, [], path)
  }
  const recorded = (await entriesIn(data)).filter(({ type }) => type === 'ams.removed')
  assert.deepEqual(
    recorded.map(entry => [entry.data['what'], entry.actor]),
    ['record', 'message', 'artifact'].map(what => [what, 'token:env-admin'])
  )
})
