import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { commitment } from '../audit/index.ts'
import type { Entry } from '../audit/index.ts'
import { digestOf } from '../ams/envelope.ts'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const OPTIONS = { timeout: 300_000 }
const ANSWERS = 20
const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
const envelope = (kind: string, n: number) => ({
  id: `${kind}${n}`,
  created_at: '2026-01-02T03:04:05.678Z',
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { n }
})
const bytesOf = (n: number): Buffer => Buffer.alloc(3000, `artifact ${n} `)
const digestOfNotary = (n: number): string => n.toString(16).padStart(64, '0')

/** Writes in every way at once, and tells the number of a round once all of it is answered with 2xx. */
const script = (data: string): string => `
  import { loadConfig } from ${module('../config/index.ts')}
  import { createNode } from ${module('../node.ts')}
  const flags = { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.listen': '127.0.0.1:0', 'log.level': 'silent',
    'gateway.rate_limits': false, 'limits.maxDelayMs': 3600000 }
  const overrides = { loopDelay: { tick() {}, take: () => 0 } }
  const node = createNode(loadConfig({ flags }).config, { data: ${JSON.stringify(data)}, init: true, overrides })
  await node.start()
  const envelope = ${envelope.toString()}
  const bytesOf = ${bytesOf.toString()}
  const digestOfNotary = ${digestOfNotary.toString()}
  const ask = async (method, path, body) => {
    const headers = { 'content-type': Buffer.isBuffer(body) ? 'text/plain' : 'application/json' }
    const sent = Buffer.isBuffer(body) ? body : JSON.stringify(body)
    let answer
    do answer = await fetch(node.status().http + path, { method, headers, body: sent })
    while (answer.status === 503)
    const said = await answer.text()
    if (!answer.ok || said.includes('"rejected":[{')) throw new Error(path + ': ' + answer.status + ' ' + said)
  }
  for (let n = 0; ; n++) {
    await Promise.all([
      ask('POST', '/ams/v1/envelopes', envelope('e', n)).then(() =>
        ask('PATCH', '/ams/v1/envelopes/e' + n, { status: 'archived' })),
      ask('POST', '/ams/v1/submit', envelope('s', n)),
      ask('POST', '/ams/v1/sync', { push: [envelope('x', n), envelope('y', n)] }),
      ask('PUT', '/ams/v1/artifacts/a' + n, bytesOf(n)),
      ask('PUT', '/ams/v1/artifacts/same', bytesOf(n)),
      ask('POST', '/room/v1/messages?room=lobby', { id: 'm' + n, body: { n } }),
      ask('POST', '/notary/v1/records', { id: 'r' + n, sha256: digestOfNotary(n) })
    ])
    console.log(n)
  }
`

const CHANGES = ['ams.envelope.created', 'ams.envelope.updated']

interface Item {
  readonly id: string
  readonly key: string
  readonly sha256: string
  readonly status: string
  readonly record: { readonly n: number }
}

test(
  'after a kill, what is stored and what the audit log has are the same, and what was answered is among it',
  OPTIONS,
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'omnigate-killed-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const data = join(folder, 'data')

    const last = await lastBeforeKilled(script(data), ANSWERS)
    const node = await runningNode(t, {
      data,
      flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.rate_limits': false }
    })
    const listed = async (path: string): Promise<readonly Item[]> => {
      const items: Item[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const more = cursor === '' ? '' : `&cursor=${cursor}`
        const answer = await fetch(`${node.status().http}${path}${more}`)
        const page = (await answer.json()) as { readonly items: Item[]; readonly nextCursor: string | null }
        items.push(...page.items)
        cursor = page.nextCursor
      }
      return items
    }
    const entries = await entriesIn(data)
    const told = (types: readonly string[], show: (data: Entry['data']) => string): readonly string[] =>
      setOf(entries.filter(({ type }) => types.includes(type)).map(entry => show(entry.data)))
    assert.ok(last >= ANSWERS - 1)

    const envelopes = await listed('/ams/v1/envelopes?limit=200')
    // A crash may have a record told twice.
    const records = envelopes.flatMap(({ sha256, record }) =>
      Array.from({ length: record.n + 1 }, (_, n) => row(sha256, n))
    )
    assert.deepEqual(
      told(CHANGES, ({ sha256, n }) => row(sha256, n)),
      setOf(records)
    )
    const stands = new Map(envelopes.map(({ id, sha256, status }) => [id, row(sha256, status)]))
    const statuses = told(CHANGES, ({ sha256, status }) => row(sha256, status))
    for (const stand of stands.values()) assert.ok(statuses.includes(stand), stand)

    const artifacts = await listed('/ams/v1/artifacts?limit=500')
    const upserted = told(['artifact.upserted'], ({ key_sha256: key, sha256 }) => row(key, sha256))
    const same = upserted.filter(one => one.includes(commitment('same')))
    const kept = artifacts.map(({ key, sha256 }) => row(commitment(key), sha256))
    assert.deepEqual(upserted, setOf([...kept, ...same]))
    const newest = entries.findLast(({ data: said }) => said['key_sha256'] === commitment('same'))
    assert.equal(newest!.data['sha256'], artifacts.find(({ key }) => key === 'same')!.sha256)

    const messages = await listed('/room/v1/messages?room=lobby&limit=500')
    assert.deepEqual(
      told(['room.message'], entry => row(entry['id_sha256'])),
      setOf(messages.map(({ id }) => row(commitment(id))))
    )
    const notary = await listed('/notary/v1/records?limit=500')
    assert.deepEqual(
      told(['notary.record'], ({ id_sha256: id, sha256 }) => row(id, sha256)),
      setOf(notary.map(({ id, sha256 }) => row(commitment(id), sha256)))
    )

    const ids = (items: readonly Item[]): readonly string[] => items.map(({ id }) => id)
    for (let n = 0; n <= last; n++) {
      const statusOf = { e: 'archived', s: 'queued', x: 'accepted', y: 'accepted' }
      for (const [kind, status] of Object.entries(statusOf))
        assert.equal(stands.get(`${kind}${n}`), row(digestOf(envelope(kind, n)), status), `${kind}${n}`)
      assert.ok(kept.includes(row(commitment(`a${n}`), sha256Of(bytesOf(n)))), `a${n}`)
      const bytes = await fetch(`${node.status().http}/ams/v1/artifacts/a${n}?payload=1`)
      assert.deepEqual(Buffer.from(await bytes.arrayBuffer()), bytesOf(n), `bytes of a${n}`)
      assert.ok(same.includes(row(commitment('same'), sha256Of(bytesOf(n)))), `same ${n}`)
      assert.ok(ids(messages).includes(`m${n}`), `m${n}`)
      assert.equal(notary.find(({ id }) => id === `r${n}`)?.sha256, digestOfNotary(n), `r${n}`)
    }
  }
)

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const row = (...parts: readonly unknown[]): string => JSON.stringify(parts)
const setOf = (all: readonly string[]): readonly string[] => [...new Set(all)].sort()
