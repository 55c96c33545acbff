import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selfCommand, shellWord } from './self.ts'

test('calls itself as it was called', () => {
  assert.equal(selfCommand('/work/bin/omnigate.mjs', '/work'), 'node bin/omnigate.mjs')
  assert.equal(selfCommand('/a/b/omnigate.mjs', '/x/y/z/w'), 'node /a/b/omnigate.mjs')
  assert.equal(selfCommand('/usr/local/bin/omnigate', '/work'), 'omnigate')
  assert.equal(selfCommand('/usr/local/bin/ronctl', '/work'), 'ronctl')
  assert.equal(selfCommand('/work/node_modules/.bin/omnigate', '/work'), 'npx omnigate')
  assert.equal(selfCommand('/my work/omnigate.mjs', '/'), "node 'my work/omnigate.mjs'")
})

test('makes one shell word of anything', () => {
  assert.equal(shellWord('./hub'), './hub')
  assert.equal(shellWord("it's"), `'it'\\''s'`)
  assert.equal(shellWord('$(reboot)'), `'$(reboot)'`)
  assert.equal(shellWord(''), `''`)
})
