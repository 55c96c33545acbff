import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadKeys } from '../keys.ts'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'
import { CHEAP, NOW, stoppedNode } from './identity.fixture.ts'
import { changePassword } from './password.ts'
import { openKeys } from './stopped-keys.ts'

const word =
  (text: string): (() => Promise<string>) =>
  async () =>
    text

test('a password is set, changed and taken off again, and the key stays the same', async t => {
  const data = await stoppedNode(t)
  const path = join(data, 'keys/hub.key')
  const before = readFileSync(path, 'utf8')

  await changePassword(path, { next: word('one'), ...CHEAP })
  const place = (await loadKeys(join(data, 'keys'), NOW)).hubKey
  await changePassword(path, { password: word('one'), next: word('two'), ...CHEAP })
  const id = await changePassword(path, { password: word('two') })

  assert.equal(place, 'locked')
  assert.match(id, /^[0-9A-F]{16}$/)
  assert.equal(readFileSync(path, 'utf8'), before)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a wrong password, and a new one that minisign would not take, change nothing', async t => {
  const data = await stoppedNode(t)
  const path = join(data, 'keys/hub.key')
  await changePassword(path, { next: word('one'), ...CHEAP })
  const before = readFileSync(path, 'utf8')

  await assert.rejects(
    changePassword(path, { password: word('two'), next: word('three'), ...CHEAP }),
    refusal(EXIT.badInput, /wrong password/)
  )
  await assert.rejects(changePassword(path, { password: word('one'), next: word(''), ...CHEAP }), RangeError)

  assert.equal(readFileSync(path, 'utf8'), before)
})

test('a key that others may read gets no password: it is known already', async t => {
  const path = join(await stoppedNode(t), 'keys/hub.key')
  chmodSync(path, 0o644)

  await assert.rejects(changePassword(path, { next: word('one') }), refusal(EXIT.permission, /chmod 600/))
})

test('a protected key signs for those who know its password', async t => {
  const data = await stoppedNode(t)
  await changePassword(join(data, 'keys/hub.key'), { next: word('one'), ...CHEAP })

  await assert.rejects(openKeys(data, NOW), refusal(EXIT.noInput, /--password-file FILE/))
  await using hub = await openKeys(data, { ...NOW, hubKey: { password: word('one') } })
  assert.deepEqual(hub.hubKey.publicKey, hub.keys.hubPublicKey)
})
