import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadConfig } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { initKeys } from '../keys.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'
import { hardenFolder } from './hardening.ts'
import { tokenKeeper } from './tokens.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'
const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const TOKENS = { AMS_WRITE_TOKEN: WRITE, AMS_ADMIN_TOKEN: ADMIN }
const OPEN = '[gateway]\nwrite_mode = "open"\n'

test('a node that starts after it refuses writes without a token, and takes those with one', async t => {
  const { data, path } = await folder(t, OPEN)
  const { text: token } = await (await tokenKeeper(data, loadConfig().config)).add('bot', 'write')
  await (await tokenKeeper(data, loadConfig().config)).add('ann', 'admin')

  const { isRefused, steps, needsRestart } = await hardenFolder(data, sources(path, {}))

  assert.deepEqual([isRefused, needsRestart], [false, false])
  const recorded = (await entriesIn(data)).filter(({ type }) => type === 'harden')
  assert.deepEqual(
    recorded.map(entry => [entry.actor, entry.data['keys']]),
    [['local', ['gateway.write_mode', 'gateway.write_requires_token', 'security.write_requires_auth']]]
  )
  assert.equal(steps.find(({ step }) => step === 'gateway.write_mode')?.is, 'done')
  const { gateway, security } = loadConfig({ file: fileAt(path) }).config
  const node = await runningNode(t, {
    data,
    flags: {
      'http.enabled': true,
      'http.listen': '127.0.0.1:0',
      'gateway.write_mode': gateway.write_mode,
      'gateway.write_requires_token': gateway.write_requires_token,
      'security.write_requires_auth': security.write_requires_auth
    },
    options: { overrides: { env: {}, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const post = (headers: Record<string, string>) =>
    fetch(`${String(node.status().http)}/ams/v1/envelopes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: {} })
    })
  assert.equal((await post({})).status, 401)
  assert.equal((await post({ 'x-ams-token': token })).status, 201)
})

test('without tokens nothing is changed, and each is named with the way out', async t => {
  const { data, path } = await folder(t, OPEN)

  const { isRefused, steps } = await hardenFolder(data, sources(path, { AMS_WRITE_TOKEN: 'short' }))

  assert.ok(isRefused)
  assert.deepEqual(
    steps.filter(({ is }) => is === 'refused').map(({ step }) => step),
    ['tokens.admin', 'tokens.length']
  )
  assert.equal(readFileSync(path, 'utf8'), OPEN)
})

test('what is hardened is not written again', async t => {
  const { data, path } = await folder(t, OPEN)
  await hardenFolder(data, sources(path, TOKENS))
  const { ino, mode } = statSync(path)

  const { steps } = await hardenFolder(data, sources(path, TOKENS))

  assert.equal((await entriesIn(data)).filter(({ type }) => type === 'harden').length, 1)
  assert.deepEqual([statSync(path).ino, statSync(path).mode], [ino, mode])
  assert.ok(steps.every(({ is, step }) => is === 'already' || step === 'manifests'))
})

test('the file keeps who may read it, and a link to it stays one', async t => {
  const { data, path } = await folder(t, OPEN)
  const link = `${path}.link`
  symlinkSync(path, link)

  await hardenFolder(data, sources(link, TOKENS))

  assert.match(readFileSync(path, 'utf8'), /write_mode = "token"/)
  assert.equal(statSync(path).mode & 0o777, 0o644)
})

test('an environment that stands against it is refused', async t => {
  const { data, path } = await folder(t, OPEN)

  await assert.rejects(
    hardenFolder(data, sources(path, { ...TOKENS, OMNIGATE_GATEWAY__WRITE_MODE: 'open' })),
    { exitCode: 78, message: /^OMNIGATE_GATEWAY__WRITE_MODE: wins over the file/ }
  )

  assert.equal(readFileSync(path, 'utf8'), OPEN)
})

const fileAt = (path: string) => ({ path, text: readFileSync(path, 'utf8') })
const sources = (path: string, env: Record<string, string>) => ({ file: fileAt(path), isNew: false, env })

async function folder(t: TestContext, text: string) {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-harden-'))
  t.after(() => rmSync(top, { recursive: true }))
  const data = join(top, 'data')
  await using made = await openDataFolder(data, { create: true })
  await initKeys(made.keys, { nodeName: 'node1', nowMs: Date.now() })
  const path = join(top, 'omnigate.toml')
  writeFileSync(path, text, { mode: 0o644 })
  return { data, path }
}
