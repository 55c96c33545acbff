import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { initKeys, loadKeys } from './keys.ts'
import { lockSecretKey } from './minisign-password.ts'
import { refusal } from './refusal.fixture.ts'
import { EXIT, SetupError } from './setup-error.ts'

const NOW = { nowMs: Date.UTC(2026, 0, 1) }
const CHEAP = { cost: { opsLimit: 32_768, memLimit: 2 ** 17 } }
const INIT = { ...NOW, nodeName: 'node1' }

test('makes keys that load again and belong together', async t => {
  const keys = parent(t)

  const made = await initKeys(keys, INIT)
  const loaded = await loadKeys(keys, NOW)

  assert.match(made.hubId, /^h1[a-z2-7]{52}$/)
  assert.match(made.peerId, /^12D3KooW/)
  assert.deepEqual([loaded.hubId, loaded.peerId], [made.hubId, made.peerId])
  assert.equal(loaded.delegation.statement.peer_id, made.peerId)
  assert.equal(loaded.delegation.statement.node, 'node1')
})

test('makes every file for its owner alone, whatever the umask, and leaves nothing beside', async t => {
  const keys = parent(t)
  const before = process.umask(0)
  t.after(() => process.umask(before))

  await initKeys(keys, INIT)

  assert.deepEqual(readdirSync(keys).sort(), ['delegation.json', 'hub.key', 'hub.pub', 'node.key'])
  assert.deepEqual(readdirSync(join(keys, '..')), ['keys'])
  assert.equal(statSync(keys).mode & 0o777, 0o700)
  for (const name of readdirSync(keys)) assert.equal(statSync(join(keys, name)).mode & 0o777, 0o600)
})

test('never overwrites keys, and leaves nothing behind when it refuses', async t => {
  const keys = parent(t)
  const { hubId } = await initKeys(keys, INIT)

  await assert.rejects(
    initKeys(keys, INIT),
    refusal(EXIT.cannotCreate, /keys: already exists; it is never overwritten/)
  )

  assert.equal((await loadKeys(keys, NOW)).hubId, hubId)
  assert.deepEqual(readdirSync(join(keys, '..')), ['keys'])
})

test('never overwrites a file of another kind', async t => {
  const keys = parent(t)
  mkdirSync(keys)
  writeFileSync(join(keys, 'notes'), '')

  await assert.rejects(initKeys(keys, INIT), refusal(EXIT.cannotCreate, /already exists/))

  assert.deepEqual(readdirSync(keys), ['notes'])
})

for (const name of ['hub.key', 'node.key']) {
  for (const mode of [0o640, 0o604, 0o666]) {
    test(`refuses ${name} with mode ${mode.toString(8)} and says how to mend it`, async t => {
      const keys = parent(t)
      await initKeys(keys, INIT)
      const path = join(keys, name)
      chmodSync(path, mode)

      await assert.rejects(
        loadKeys(keys, NOW),
        refusal(EXIT.permission, new RegExp(`${path}: .*chmod 600 ${path}$`))
      )
    })
  }
}

for (const name of ['hub.key', 'hub.pub', 'node.key', 'delegation.json']) {
  test(`names ${name} when it is damaged or too large`, async t => {
    const keys = parent(t)
    await initKeys(keys, INIT)
    const path = join(keys, name)
    const text = readFileSync(path, 'utf8')

    for (const damaged of ['', 'x', text.slice(0, -9), text.repeat(100)]) {
      writeFileSync(path, damaged)
      await assert.rejects(loadKeys(keys, NOW), refusal(EXIT.badInput, new RegExp(`^${path}: `)))
    }
  })

  test(`refuses ${name} of other keys`, async t => {
    const [keys, others] = [parent(t), parent(t)]
    await initKeys(keys, INIT)
    await initKeys(others, INIT)
    writeFileSync(join(keys, name), readFileSync(join(others, name)))

    await assert.rejects(
      loadKeys(keys, NOW),
      refusal(EXIT.badInput, /restore the pair|but hub.pub is|but node.key is/)
    )
  })
}

test('a node runs without the hub key, which may be kept offline', async t => {
  const keys = parent(t)
  await initKeys(keys, INIT)
  rmSync(join(keys, 'hub.key'))

  assert.equal((await loadKeys(keys, NOW)).hubKey, 'elsewhere')
})

test('refuses an expired delegation', async t => {
  const keys = parent(t)
  await initKeys(keys, INIT)

  const later = { nowMs: NOW.nowMs + 11 * 365 * 86_400_000 }
  await assert.rejects(
    loadKeys(keys, later),
    refusal(EXIT.badInput, /delegation.json: expired at 2035.*key delegate --role link --data /)
  )
})

test('says how to make keys where there are none, and which file is missing', async t => {
  const keys = parent(t)
  await assert.rejects(loadKeys(keys, NOW), refusal(EXIT.noInput, /omnigate init/))

  await initKeys(keys, INIT)
  rmSync(join(keys, 'node.key'))
  await assert.rejects(loadKeys(keys, NOW), refusal(EXIT.noInput, /node.key: does not exist; restore it/))
})

test('never quotes a damaged secret', async t => {
  const keys = parent(t)
  await initKeys(keys, INIT)
  writeFileSync(join(keys, 'node.key'), 'c2VjcmV0IQ==\n')

  const error = await loadKeys(keys, NOW).catch((caught: unknown) => caught)

  assert.ok(error instanceof SetupError)
  assert.equal(error.cause, undefined)
  assert.doesNotMatch(error.message, /c2Vj|secret!/)
})

const missing = spawnSync('minisign', ['-v']).error === undefined ? false : 'minisign is not installed'

test('the minisign program signs with hub.key and verifies with hub.pub', { skip: missing }, async t => {
  const keys = parent(t)
  await initKeys(keys, INIT)
  const file = join(keys, '..', 'file')
  writeFileSync(file, 'content')

  const signed = spawnSync('minisign', ['-S', '-s', join(keys, 'hub.key'), '-m', file], { input: '' })
  const verified = spawnSync('minisign', ['-V', '-p', join(keys, 'hub.pub'), '-m', file])

  assert.deepEqual([signed.status, verified.status], [0, 0])
})

test('a hub key under a password loads, since nothing needs to open it', async t => {
  const keys = parent(t)
  await initKeys(keys, INIT)
  const hubKey = join(keys, 'hub.key')
  writeFileSync(hubKey, await lockSecretKey(readFileSync(hubKey, 'utf8'), 'word', CHEAP))

  assert.equal((await loadKeys(keys, NOW)).hubKey, 'locked')
})

function parent(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'keys')
}
