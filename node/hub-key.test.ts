import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openHubKey, readHubKey } from './hub-key.ts'
import { initKeys } from './keys.ts'
import { lockSecretKey } from './minisign-password.ts'
import { refusal } from './refusal.fixture.ts'
import { EXIT } from './setup-error.ts'

const INIT = { nowMs: Date.UTC(2026, 0, 1), nodeName: 'node1' }
const CHEAP = { cost: { opsLimit: 32_768, memLimit: 2 ** 17 } }

test('opens the key that lies in the folder, without a password', async t => {
  const { keys, publicKey } = await folderOfKeys(t)

  const { secretKey } = await openHubKey(keys, publicKey)

  assert.deepEqual(secretKey.publicKey, publicKey)
  assert.deepEqual((await readHubKey(keys))?.publicKey, publicKey)
})

test('asks for the password of a protected key, and for none of another', async t => {
  const { keys, publicKey, path } = await folderOfKeys(t)
  const asked: string[] = []
  const password = async (file: string) => String(asked.push(file) && 'word')
  await openHubKey(keys, publicKey, { password })
  await lock(path)

  const { secretKey } = await openHubKey(keys, publicKey, { password })

  assert.deepEqual([secretKey.publicKey, asked], [publicKey, [path]])
  assert.equal(await readHubKey(keys), undefined)
})

test('a protected key without a password is refused with the ways to give one', async t => {
  const { keys, publicKey, path } = await folderOfKeys(t)
  await lock(path)

  await assert.rejects(
    openHubKey(keys, publicKey),
    refusal(EXIT.noInput, /hub.key: protected by a password; .*--password-file FILE or --password-env NAME/)
  )
})

test('a wrong password and a damaged file are refused by name, without what was typed', async t => {
  const { keys, publicKey, path } = await folderOfKeys(t)
  const password = async () => 'wrong-word'
  await lock(path)

  await assert.rejects(
    openHubKey(keys, publicKey, { password }),
    refusal(EXIT.badInput, /^[^\n]*hub.key: wrong password, or the file is damaged$/)
  )
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -9))
  await assert.rejects(openHubKey(keys, publicKey, { password }), refusal(EXIT.badInput, /hub.key: expected/))
})

test('a key that is kept elsewhere must be given, and is taken from where it is', async t => {
  const { keys, publicKey, path } = await folderOfKeys(t)
  const file = join(keys, '..', 'elsewhere.key')
  renameSync(path, file)

  await assert.rejects(
    openHubKey(keys, publicKey),
    refusal(EXIT.noInput, /hub.key: the hub key is kept elsewhere; .*--hub-key FILE/)
  )
  assert.deepEqual((await openHubKey(keys, publicKey, { file })).secretKey.publicKey, publicKey)
  rmSync(file)
  await assert.rejects(
    openHubKey(keys, publicKey, { file }),
    refusal(EXIT.noInput, /elsewhere.key: does not/)
  )
})

test('the key of another hub, and one that others may read, are refused', async t => {
  const [own, other] = [await folderOfKeys(t), await folderOfKeys(t)]

  await assert.rejects(
    openHubKey(own.keys, own.publicKey, { file: other.path }),
    refusal(EXIT.badInput, /is the key of hub h1\w{52}, and this is hub h1/)
  )
  chmodSync(own.path, 0o640)
  await assert.rejects(openHubKey(own.keys, own.publicKey), refusal(EXIT.permission, /chmod 600/))
})

async function folderOfKeys(t: TestContext) {
  const parent = mkdtempSync(join(tmpdir(), 'hub-key-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const keys = join(parent, 'keys')
  const { hubPublicKey } = await initKeys(keys, INIT)
  return { keys, publicKey: hubPublicKey, path: join(keys, 'hub.key') }
}

async function lock(path: string): Promise<void> {
  writeFileSync(path, await lockSecretKey(readFileSync(path, 'utf8'), 'word', CHEAP))
}
