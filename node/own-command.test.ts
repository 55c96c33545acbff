import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calledAs, ownCommand } from './own-command.ts'

const CALLS: readonly (readonly [string | undefined, string])[] = [
  ['/src/omnigate/bin/omnigate.mjs', 'node bin/omnigate.mjs'],
  ['/omnigate.mjs', 'node /omnigate.mjs'],
  ['/src/omnigate/node_modules/.bin/omnigate', 'npx omnigate'],
  ['/usr/local/bin/omnigate', 'omnigate'],
  ['/usr/local/bin/ronctl', 'ronctl'],
  ['/src/hub/server.ts', 'npx omnigate'],
  [undefined, 'npx omnigate']
]

for (const [script, command] of CALLS) {
  test(`calls itself ${command} when it was started as ${script}`, () => {
    assert.equal(calledAs(script, '/src/omnigate'), command)
  })
}

test('quotes what a shell would take apart', () => {
  assert.match(ownCommand('init', '--data', "it's here"), / init --data 'it'\\''s here'$/)
})
