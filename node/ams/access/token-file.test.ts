import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { SetupError } from '../../setup-error.ts'
import { HARDENED_TOKEN_BYTES, StaticTokens } from './static-tokens.ts'
import { addToken, readTokenFile, removeToken } from './token-file.ts'
import { envTokens, tokensFrom } from './token-sources.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ams-tokens-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

const reason = (name: string, message: RegExp) => (error: unknown) =>
  error instanceof SetupError && error.reason === name && message.test(error.message)

test('a token that is added is found by its text, which stands nowhere', async t => {
  const path = join(await folder(t), 'tokens.json')

  const { text } = await addToken(path, 'bot', 'write')
  const { text: other } = await addToken(path, 'operator', 'admin')

  const tokens = new StaticTokens(await readTokenFile(path))
  assert.deepEqual(
    [tokens.find(text)?.role, tokens.find(other)?.name, text.length >= HARDENED_TOKEN_BYTES],
    ['write', 'operator', true]
  )
  const content = await readFile(path, 'utf8')
  assert.ok(!content.includes(text) && !content.includes(text.slice(4, 20)))
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('a token that is removed is found no more, and nothing unfinished is left', async t => {
  const dir = await folder(t)
  const path = join(dir, 'tokens.json')
  const { text } = await addToken(path, 'bot', 'write')

  await removeToken(path, 'bot')

  assert.equal(new StaticTokens(await readTokenFile(path)).find(text), undefined)
  assert.deepEqual(await readdir(dir), ['tokens.json'])
})

test('a file that is not there holds no tokens', async t => {
  assert.deepEqual(await readTokenFile(join(await folder(t), 'tokens.json')), [])
})

test('two of one name, one that is not there, and a name that is none are refused', async t => {
  const path = join(await folder(t), 'tokens.json')
  await addToken(path, 'bot', 'write')

  await assert.rejects(addToken(path, 'bot', 'read'), reason('cannotCreate', /"bot": is there/))
  await assert.rejects(addToken(path, 'env-write', 'read'), reason('cannotCreate', /the environment gives/))
  await assert.rejects(removeToken(path, 'other'), reason('noInput', /omnigate token list/))
  await assert.rejects(addToken(path, 'No Name', 'read'), reason('badInput', /"No Name"/))
  assert.equal((await readTokenFile(path)).length, 1)
})

const ROW = { name: 'bot', role: 'write', sha256: 'ab'.repeat(32), bytes: 32 }
const DAMAGED: readonly (readonly [string, string, string])[] = [
  ['nothing', '', 'badInput'],
  ['no JSON', 'token', 'badInput'],
  ['a list', '[]', 'badInput'],
  ['no format', '{"tokens":[]}', 'badInput'],
  ['a member twice', '{"format":1,"format":1,"tokens":[]}', 'badInput'],
  ['tokens that are none', '{"format":1,"tokens":[1]}', 'badInput'],
  ['a role that is none', JSON.stringify({ format: 1, tokens: [{ ...ROW, role: 'none' }] }), 'badInput'],
  ['a digest that is none', JSON.stringify({ format: 1, tokens: [{ ...ROW, sha256: 'AB' }] }), 'badInput'],
  ['one twice', JSON.stringify({ format: 1, tokens: [ROW, ROW] }), 'badInput'],
  ['a newer format', '{"format":2,"tokens":[]}', 'newerFormat'],
  ['too much', ' '.repeat(70_000), 'badInput']
]

for (const [what, content, name] of DAMAGED)
  test(`a file with ${what} lets nobody in`, async t => {
    const path = join(await folder(t), 'tokens.json')
    await writeFile(path, content, { mode: 0o600 })

    await assert.rejects(readTokenFile(path), reason(name, /./))
  })

test('a file that others may read is refused', async t => {
  const path = join(await folder(t), 'tokens.json')
  await addToken(path, 'bot', 'write')
  await chmod(path, 0o644)

  await assert.rejects(readTokenFile(path), reason('permission', /chmod 600/))
})

test('takes tokens from the environment and from files that it names', async t => {
  const file = join(await folder(t), 'admin')
  await writeFile(file, 'an-admin-token-of-32-bytes-at-least\n', { mode: 0o600 })

  const tokens = await tokensFrom(
    envTokens({ AMS_WRITE_TOKEN: 'a-write-token', AMS_ADMIN_TOKEN_FILE: file, AMS_READ_TOKEN: '' })
  )

  const found = new StaticTokens(tokens)
  assert.deepEqual(
    tokens.map(({ name, role }) => [name, role]),
    [
      ['env-write', 'write'],
      ['env-admin', 'admin']
    ]
  )
  assert.equal(found.find('an-admin-token-of-32-bytes-at-least')?.role, 'admin')
})

test('a variable given twice, a file that is not there and a text of two lines are refused without being shown', async t => {
  const file = join(await folder(t), 'write')
  await writeFile(file, 'secret one\nsecret two\n', { mode: 0o600 })
  const source = { name: 'w', role: 'write', file } as const

  assert.throws(
    () => envTokens({ AMS_WRITE_TOKEN: 'a', AMS_WRITE_TOKEN_FILE: 'b' }),
    reason('config', /AMS_WRITE_TOKEN and AMS_WRITE_TOKEN_FILE/)
  )
  await assert.rejects(tokensFrom([{ ...source, file: `${file}2` }]), reason('noInput', /write2/))
  await assert.rejects(tokensFrom([source]), reason('badInput', /^(?!.*secret)/))
})
