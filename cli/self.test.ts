import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { asCalled, selfCommand, shellWord } from './self.ts'

test('calls itself as it was called', () => {
  assert.equal(selfCommand('/home/ada/hub/bin/omnigate.mjs', '/home/ada/hub'), 'node bin/omnigate.mjs')
  assert.equal(selfCommand('/a/b/omnigate.mjs', '/x/y/z/w'), 'node /a/b/omnigate.mjs')
  assert.equal(selfCommand('/usr/local/bin/omnigate', '/home/ada/hub'), 'omnigate')
  assert.equal(selfCommand('/usr/local/bin/ronctl', '/home/ada/hub'), 'ronctl')
  assert.equal(selfCommand('/home/ada/hub/node_modules/.bin/omnigate', '/home/ada/hub'), 'npx omnigate')
  assert.equal(selfCommand('/my work/omnigate.mjs', '/'), "node 'my work/omnigate.mjs'")
})

test('is called by its name where another program runs it', () => {
  assert.equal(selfCommand('/home/ada/hub/server.ts', '/home/ada/hub'), 'omnigate')
  assert.equal(selfCommand(undefined, '/home/ada/hub'), 'omnigate')
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
