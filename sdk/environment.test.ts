import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { environmentOf } from './environment.ts'

test('takes address, capability and key from the environment, the last from the file that it names', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-environment-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'key')
  writeFileSync(file, 'the text of a key\n')

  const found = await environmentOf({ RON_NODE_URL: '/ip4/1', RON_CAP: 'token', OMNIGATE_CLIENT_KEY: file })

  assert.deepEqual(found, { url: '/ip4/1', cap: 'token', key: 'the text of a key\n' })
})

test('an empty variable is as good as none', async () => {
  assert.deepEqual(await environmentOf({ RON_NODE_URL: '', RON_CAP: '' }), {})
})

test('a key file that cannot be read is named', async () => {
  await assert.rejects(environmentOf({ OMNIGATE_CLIENT_KEY: '/nowhere/key' }), {
    name: 'TypeError',
    message: 'OMNIGATE_CLIENT_KEY: /nowhere/key cannot be read'
  })
})
