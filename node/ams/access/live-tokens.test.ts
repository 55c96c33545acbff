import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { LiveTokens } from './live-tokens.ts'
import { addToken, removeToken } from './token-file.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-tokens-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'tokens.json')
}

test('a token that is added is good at the next look, and one that is removed is not', async t => {
  const path = scratch(t)
  const live = await LiveTokens.open({ path, env: { AMS_WRITE_TOKEN: WRITE } })
  const none = await live.look()

  const { text } = await addToken(path, 'bot', 'write')
  const added = await live.look()
  const found = live.current.find(text)
  await removeToken(path, 'bot')
  const removed = await live.look()

  assert.deepEqual([none, added, removed], ['same', 'loaded', 'loaded'])
  assert.equal(found?.name, 'bot')
  assert.equal(live.current.find(text), undefined)
  assert.equal(live.current.find(WRITE)?.name, 'env-write')
})

test('a file that is none changes nothing, and is told once', async t => {
  const path = scratch(t)
  const { text } = await addToken(path, 'bot', 'write')
  const live = await LiveTokens.open({ path, env: {} })

  writeFileSync(path, 'no tokens', { mode: 0o600 })
  const first = await live.look()
  const second = await live.look()

  assert.match(typeof first === 'string' ? first : first.problem, /is no list of tokens/)
  assert.equal(second, 'same')
  assert.equal(live.current.find(text)?.name, 'bot')
})
