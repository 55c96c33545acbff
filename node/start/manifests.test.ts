import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { authorityProblem, parseDelegation } from '../../federation/index.ts'
import { assertGuide, runGuide } from '../ams/manifests/guide-lines.fixture.ts'
import { loadConfig } from '../config/index.ts'
import { parsePublicKey, verifyFile } from '../minisign.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'
const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const env = { AMS_WRITE_TOKEN: WRITE, AMS_ADMIN_TOKEN: ADMIN }
const JSONS = ['ams-gateway-spec.json', 'ai-ams.json', 'ams-policy.json']
const FILES = [...JSONS, 'ams-agent-guide.md', 'minisign.pub']

interface Spec {
  readonly paths: readonly {
    readonly path: string
    readonly methods: readonly { readonly method: string; readonly summary?: string }[]
  }[]
}

test('a started node publishes what it is, signed by a key that its hub key signed for', async t => {
  const { data, hub, bytes, folder } = await published(t)
  const key = parsePublicKey((await bytes('minisign.pub')).toString())

  for (const name of FILES) {
    const content = await bytes(name)
    const signature = await bytes(`${name}.minisig`)
    assert.match(verifyFile(key, content, signature.toString()), new RegExp(`file:${name}\\thub:${hub}$`))
    writeFileSync(join(folder, name), content)
    writeFileSync(join(folder, `${name}.minisig`), signature)
  }
  for (const name of JSONS) {
    const { meta, hub: named } = JSON.parse((await bytes(name)).toString())
    const delegation = parseDelegation(`${meta.signed_by.delegation}\n`, 'manifest')
    assert.deepEqual([named, delegation.statement.hub, meta.signature_status], [hub, hub, 'signed'])
    assert.equal(authorityProblem(delegation), undefined)
    assert.equal(delegation.statement.key, Buffer.from(key.publicKey).toString('hex'))
  }
  const entries = await entriesIn(data)
  assert.equal(
    entries.filter(({ type, data: of }) => type === 'delegation' && of['role'] === 'manifest').length,
    1
  )
  if (spawnSync('minisign', ['-v']).error !== undefined) return t.diagnostic('minisign is not installed')
  for (const name of FILES) {
    const { status, stderr } = spawnSync('minisign', ['-Vm', name, '-p', 'minisign.pub'], { cwd: folder })
    assert.equal(status, 0, `${name}: ${String(stderr)}`)
  }
})

for (const mode of ['open', 'token'] as const)
  test(`each line of the guide works at a started node whose write mode is ${mode}`, async t => {
    const { bytes, folder } = await published(t, { 'gateway.write_mode': mode })

    const ran = await runGuide((await bytes('ams-agent-guide.md')).toString(), folder, { AMS_TOKEN: WRITE })

    assertGuide(ran)
    assert.ok(ran.length >= 28, String(ran.length))
    assert.deepEqual(readFileSync(join(folder, 'guide.bin')), Buffer.from('a\0b\xff', 'latin1'))
  })

test('every path of the specification answers at a started node, and is in it once it is in /openapi.json', async t => {
  const { bytes, url } = await published(t)
  const { paths } = JSON.parse((await bytes('ams-gateway-spec.json')).toString()) as Spec
  const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as { readonly paths: object }

  const listed = paths.map(({ path }) => path)
  for (const path of [...Object.keys(openapi.paths), '/ipfs/{cid}', '/snapshots/v1/{seq}/{name}'])
    assert.ok(listed.includes(path), path)
  for (const { path, methods } of paths)
    for (const { method, summary } of methods) {
      assert.ok(summary, `${method} ${path} has no row`)
      const answer = await fetch(url + path.replaceAll(/\{\w+\}/g, 'a'), {
        method,
        headers: { 'x-ams-token': ADMIN }
      })
      const text = await answer.text()
      assert.ok(answer.status !== 405 && answer.status !== 500, `${method} ${path}: ${answer.status} ${text}`)
      assert.doesNotMatch(text, /nothing is here/, `${method} ${path}`)
    }
  assert.equal((await fetch(`${url}/.well-known/nothing`)).status, 404)
})

test('what others are told is where they reach it, as the operator says', async t => {
  const { bytes } = await published(t, { 'gateway.url': 'https://hub.example.org' })

  assert.equal(JSON.parse((await bytes('ai-ams.json')).toString()).url, 'https://hub.example.org')
  assert.match(
    (await bytes('ams-agent-guide.md')).toString(),
    /'https:\/\/hub\.example\.org\/ams\/v1\/health'/
  )
  for (const url of ['hub.example.org', 'https://hub.example.org/x', "https://a'b", 'https://a b'])
    assert.throws(() => loadConfig({ flags: { 'gateway.url': url } }), /gateway\.url/, url)
})

test('where the hub key is kept elsewhere nothing is signed, and health says so', async t => {
  const { node, data, url } = await published(t)
  await fetch(`${url}/healthz`)
  await node.stop()
  renameSync(join(data, 'keys', 'hub.key'), join(data, '..', 'hub.key'))
  rmSync(join(data, 'keys', 'manifest.key'), { force: true })

  const later = await published(t, {}, data)

  const health = (await (await fetch(`${later.url}/ams/v1/health`)).json()) as Record<string, unknown>
  assert.equal(health['signatures'], 'stale')
  const { meta } = JSON.parse((await later.bytes('ai-ams.json')).toString())
  assert.equal(meta.signature_status, 'needs-resign')
  assert.equal((await fetch(`${later.url}/.well-known/ai-ams.json.minisig`)).status, 404)
  assert.match(await (await fetch(`${later.url}/metrics`)).text(), /^ams_manifests_unsigned 1$/m)
})

async function published(t: TestContext, flags: Record<string, unknown> = {}, before?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-manifests-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = before ?? join(folder, 'data')
  const node = await runningNode(t, {
    data,
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', ...flags },
    // However busy the machine is, nothing is shed.
    options: { overrides: { env, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const { http: url, hub_id: hub } = node.status()
  const bytes = async (name: string): Promise<Buffer> => {
    const answer = await fetch(`${url}/.well-known/${name}`)
    assert.equal(answer.status, 200, name)
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    return Buffer.from(await answer.arrayBuffer())
  }
  return { node, data, url: String(url), hub, folder, bytes }
}
