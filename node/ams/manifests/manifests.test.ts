import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Fastify from 'fastify'
import { authorityProblem, parseDelegation } from '../../../federation/index.ts'
import { parsePublicKey, verifyFile } from '../../minisign.ts'
import { ADMIN_ROUTES, AMS_ROUTES, NO_QUERY } from '../routes/index.ts'
import { answering } from './answering.ts'
import { manifestSigner, publishing } from './manifests.fixture.ts'
import { wellKnownRows } from './well-known.ts'

const JSONS = ['ams-gateway-spec.json', 'ai-ams.json', 'ams-policy.json']
const FILES = [...JSONS, 'ams-agent-guide.md', 'minisign.pub']
const at = (name: string): string => `/.well-known/${name}`

interface Manifest {
  readonly meta: {
    readonly updated: string
    readonly signature_status: string
    readonly signed_by?: { readonly key: string; readonly delegation: string }
  }
  readonly write_mode: string
  readonly write_requires_auth: boolean
  readonly write_requires_auth_planned?: boolean
}

test('what is served is what was signed, by a key that the hub vouches for', async () => {
  const { get, by } = await publishing()
  const key = parsePublicKey((await get(at('minisign.pub'))).body)

  for (const name of FILES) {
    const { statusCode, rawPayload, headers } = await get(at(name))
    const signature = (await get(at(`${name}.minisig`))).body
    assert.equal(statusCode, 200)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(verifyFile(key, rawPayload, signature), new RegExp(`\\tfile:${name}\\thub:h1a$`))
    assert.throws(() => verifyFile(key, Buffer.concat([rawPayload, Buffer.from(' ')]), signature))
  }
  for (const name of JSONS) {
    const { meta } = (await get(at(name))).json<Manifest>()
    const delegation = parseDelegation(`${meta.signed_by!.delegation}\n`, 'manifest')
    assert.equal(authorityProblem(delegation), undefined)
    assert.equal(meta.signed_by!.key, Buffer.from(by!.secretKey.publicKey).toString('hex'))
    assert.equal(delegation.statement.key, meta.signed_by!.key)
  }
})

const missing = spawnSync('minisign', ['-v']).error === undefined ? false : 'minisign is not installed'
test("Debian's minisign takes the signatures", { skip: missing }, async t => {
  const { get } = await publishing()
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-manifests-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of FILES)
    for (const file of [name, `${name}.minisig`])
      writeFileSync(join(folder, file), (await get(at(file))).rawPayload)

  for (const name of FILES) {
    const { status, stderr } = spawnSync('minisign', ['-Vm', name, '-p', 'minisign.pub'], {
      cwd: folder,
      encoding: 'utf8'
    })
    assert.equal(status, 0, `${name}: ${stderr}`)
  }
})

test('both manifests say who may write, and that it is meant to change while anybody may', async () => {
  const { get, hub, now } = await publishing()
  const said = async (name: string) => (await get(at(name))).json<Manifest>()

  for (const name of JSONS) {
    const { meta, write_mode, write_requires_auth_planned: planned } = await said(name)
    assert.deepEqual([write_mode, planned, meta.updated], ['open', true, new Date(now.ms).toISOString()])
  }
  const before = now.ms
  // Also by a clock that goes back.
  now.ms -= 5000
  hub.facts = { ...hub.facts, writeMode: 'token' }
  for (const name of JSONS) {
    const { meta, write_mode, write_requires_auth, ...rest } = await said(name)
    assert.deepEqual([write_mode, write_requires_auth], ['token', true])
    assert.equal('write_requires_auth_planned' in rest, false)
    assert.equal(meta.updated, new Date(before + 1).toISOString())
  }
})

test('every path of the specification answers, and every path that answers is in it', async () => {
  const { get, ask } = await publishing()
  const { paths } = (await get(at('ams-gateway-spec.json'))).json<{
    paths: { path: string; methods: { method: string; summary: string }[] }[]
  }>()
  const listed = paths.flatMap(({ path, methods }) => methods.map(({ method }) => `${method} ${path}`))

  const rows = [...AMS_ROUTES, ...ADMIN_ROUTES, ...wellKnownRows(async () => new Map())]
  assert.deepEqual(listed.sort(), rows.map(({ method, path }) => `${method} ${path}`).sort())
  for (const { path, methods } of paths)
    for (const { method, summary } of methods) {
      const answer = await ask(method, path.replace(/\{\w+\}$/, 'a'), { headers: { host: 'localhost' } })
      const { error, message } = method === 'GET' && answer.statusCode === 200 ? {} : problemIn(answer.body)
      assert.ok(summary.length > 10)
      assert.notEqual(error, 'method_not_allowed', `${method} ${path}`)
      assert.notEqual(message, 'nothing is here', `${method} ${path}`)
    }
  for (const path of [at('nothing'), at('minisign.pub/x'), at('')])
    assert.deepEqual([(await get(path)).statusCode, (await get(path)).json().error], [404, 'not_found'], path)
  const refused = await ask('POST', at('ai-ams.json'), { headers: { host: 'localhost' } })
  assert.deepEqual([refused.statusCode, refused.headers.allow], [405, 'GET, HEAD'])
})

test('a copy is asked about, and not sent again while it is good', async () => {
  const { get, app, hub } = await publishing()

  for (const name of FILES.flatMap(file => [file, `${file}.minisig`])) {
    const { headers, rawPayload } = await get(at(name))
    assert.equal(headers['cache-control'], 'no-cache')
    const { etag = '' } = headers as { etag?: string }
    for (const named of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await get(at(name), { 'if-none-match': named })
      assert.deepEqual([again.statusCode, again.body, again.headers.etag], [304, '', etag], named)
    }
    const head = await app.inject({ method: 'HEAD', url: at(name), headers: { host: 'localhost' } })
    assert.deepEqual([head.body, head.headers['content-length']], ['', String(rawPayload.length)])
    assert.equal(head.headers['content-type'], headers['content-type'])
  }
  const before = (await get(at('ai-ams.json'))).headers.etag as string
  hub.facts = { ...hub.facts, validation: 'strict' }
  assert.equal((await get(at('ams-gateway-spec.json'), { 'if-none-match': before })).statusCode, 200)
})

test('what nobody can sign says so, is told once, and is signed once somebody can', async () => {
  const { get, hub, now, unsigned } = await publishing()
  hub.signer = async () => undefined
  const statusOf = async () => (await get(at('ai-ams.json'))).json<Manifest>().meta.signature_status
  const health = async () => (await get('/ams/v1/health')).json<{ signatures: string }>().signatures

  assert.equal(await health(), 'stale')
  assert.equal(await statusOf(), 'needs-resign')
  assert.equal('signed_by' in (await get(at('ams-policy.json'))).json<Manifest>().meta, false)
  for (const name of ['minisign.pub', ...FILES.map(file => `${file}.minisig`)]) {
    const answer = await get(at(name))
    assert.deepEqual([answer.statusCode, answer.json().error], [404, 'not_found'])
    assert.match(answer.json().message, /key delegate --role manifest/)
  }
  assert.match((await get(at('ams-agent-guide.md'))).body, /not signed \(`needs-resign`\)/)

  const by = manifestSigner()
  hub.signer = async () => by
  assert.equal(await statusOf(), 'needs-resign', 'it is not looked each time')
  now.ms += 10_000
  assert.equal(await statusOf(), 'signed')
  assert.equal(await health(), 'fresh')
  assert.deepEqual(unsigned, [undefined])
})

test('a key that cannot be read leaves them unsigned, and the operator is told why', async () => {
  const { get, hub, now, unsigned } = await publishing()
  assert.equal((await get(at('minisign.pub'))).statusCode, 200)

  const damaged = new Error('damaged')
  hub.signer = () => Promise.reject(damaged)
  now.ms += 10_000
  const answer = await get(at('ai-ams.json'))

  assert.equal(answer.json<Manifest>().meta.signature_status, 'needs-resign')
  assert.doesNotMatch(answer.body, /damaged/)
  assert.deepEqual(unsigned, [damaged])
})

test('another key signs anew; the same one leaves all as it is', async () => {
  const { get, hub, now } = await publishing()
  const etag = async () => (await get(at('ai-ams.json'))).headers.etag
  const first = await etag()
  now.ms += 60_000
  assert.equal(await etag(), first)

  const by = manifestSigner()
  hub.signer = async () => by
  now.ms += 60_000

  assert.notEqual(await etag(), first)
  const key = parsePublicKey((await get(at('minisign.pub'))).body)
  const { rawPayload } = await get(at('ai-ams.json'))
  verifyFile(key, rawPayload, (await get(at('ai-ams.json.minisig'))).body)
  assert.deepEqual(key.publicKey, by.secretKey.publicKey)
})

test('who asks at once gets one making, and who asks after a change never what was before it', async () => {
  const { get, hub, manifests } = await publishing()
  const by = manifestSigner()
  let asked = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  hub.signer = async () => {
    asked++
    await promise
    return by
  }

  const many = Array.from({ length: 20 }, () => get(at('ai-ams.json')))
  hub.facts = { ...hub.facts, writeMode: 'token' }
  const late = manifests.files(() => hub.facts, [])
  resolve()

  const tags = new Set((await Promise.all(many)).map(({ headers }) => headers.etag))
  assert.ok(tags.size <= 2)
  assert.match((await late).get('ai-ams.json')!.bytes.toString(), /"write_mode": "token"/)
  assert.ok(asked <= 3, String(asked))
})

test('a sandbox says what it is', async () => {
  const { get } = await publishing({ sandbox: 'public' })

  for (const name of JSONS.slice(0, 2))
    assert.equal((await get(at(name))).json<{ sandbox: string }>().sandbox, 'public')
  assert.match((await get(at('ams-agent-guide.md'))).body, /waits for a moderator/)
})

test('routes without a row are told by their patterns', async () => {
  const app = Fastify()
  const said = { path: '/said/{one}/{two}', role: 'read', summary: 'Said.', takes: 'nothing' } as const
  const row = { ...said, method: 'GET' as const, maxBodyBytes: 0, query: NO_QUERY, statuses: [200] }
  const routes = answering(app, [row])
  app.get('/said/:a/:b', () => '')
  app.get('/snapshots/:seq/:name', () => '')
  app.post('/x/*', { config: { role: 'admin' } }, () => '')
  app.all('/no/*', { config: { isRefusal: true } }, () => '')
  await app.ready()

  assert.deepEqual(
    routes().map(({ method, path, role }) => [method, path, role]),
    [
      ['GET', '/said/{one}/{two}', 'read'],
      ['GET', '/snapshots/{seq}/{name}', 'none'],
      ['POST', '/x/{path}', 'admin']
    ]
  )
})

function problemIn(body: string): { readonly error?: string; readonly message?: string } {
  try {
    return JSON.parse(body) as { error?: string }
  } catch {
    return {}
  }
}
