import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { LiveTokens } from './live-tokens.ts'
import { SetupError } from '../../setup-error.ts'
import { addToken, readTokenFile, removeToken } from './token-file.ts'

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

test('a file that could not be read is tried again, so that a removal is seen', async t => {
  const path = scratch(t)
  const { text } = await addToken(path, 'bot', 'write')
  let fails = false
  const read = async (from: string) => {
    if (fails) throw new SetupError('io', 'too many open files')
    return await readTokenFile(from)
  }
  const live = await LiveTokens.open({ path, env: {}, read })
  await removeToken(path, 'bot')

  fails = true
  const failed = [await live.look(), await live.look()]
  fails = false
  const seen = await live.look()

  assert.deepEqual(
    [...failed, seen],
    [{ problem: 'too many open files' }, { problem: 'too many open files' }, 'loaded']
  )
  assert.equal(live.current.find(text), undefined)
})

test('a slow look is the only one, and brings back no token that was removed meanwhile', async t => {
  const path = scratch(t)
  const { text } = await addToken(path, 'bot', 'write')
  const { promise, resolve } = Promise.withResolvers<void>()
  let reads = 0
  const read = async (from: string) => {
    const tokens = await readTokenFile(from)
    if (++reads === 2) await promise
    return tokens
  }
  const live = await LiveTokens.open({ path, env: {}, read })
  await addToken(path, 'other', 'read')

  const slow = live.look()
  while (reads < 2) await new Promise(setImmediate)
  await removeToken(path, 'bot')
  const meanwhile = await live.look()
  resolve()
  await slow
  const last = await live.look()

  assert.deepEqual([meanwhile, last], ['same', 'loaded'])
  assert.equal(live.current.find(text), undefined)
})
