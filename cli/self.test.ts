import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { asCalled, selfCommand, shellWord } from './self.ts'

test('calls itself as it was called', () => {
  assert.equal(selfCommand('/work/bin/omnigate.mjs', '/work'), 'node bin/omnigate.mjs')
  assert.equal(selfCommand('/a/b/omnigate.mjs', '/x/y/z/w'), 'node /a/b/omnigate.mjs')
  assert.equal(selfCommand('/usr/local/bin/omnigate', '/work'), 'omnigate')
  assert.equal(selfCommand('/usr/local/bin/ronctl', '/work'), 'ronctl')
  assert.equal(selfCommand('/work/node_modules/.bin/omnigate', '/work'), 'npx omnigate')
  assert.equal(selfCommand('/my work/omnigate.mjs', '/'), "node 'my work/omnigate.mjs'")
})

test('is called by its name where another program runs it', () => {
  assert.equal(selfCommand('/work/server.ts', '/work'), 'omnigate')
  assert.equal(selfCommand(undefined, '/work'), 'omnigate')
})

test('writes command lines of ours as it was called, and other words as they are', t => {
  const [, script = ''] = process.argv
  t.after(() => (process.argv[1] = script))
  process.argv[1] = join(process.cwd(), 'bin', 'omnigate.mjs')

  assert.equal(
    asCalled('xxd -p FILE | omnigate frame decode - > omnigate.txt'),
    'xxd -p FILE | node bin/omnigate.mjs frame decode - > omnigate.txt'
  )
})

test('makes one shell word of anything', () => {
  assert.equal(shellWord('./hub'), './hub')
  assert.equal(shellWord("it's"), `'it'\\''s'`)
  assert.equal(shellWord('$(reboot)'), `'$(reboot)'`)
  assert.equal(shellWord(''), `''`)
})
