import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig } from '../node/config/index.ts'

const FILES = readdirSync(import.meta.dirname).filter(name => name.endsWith('.toml'))

for (const name of FILES) {
  test(`${name} loads`, () => {
    assert.ok(load(name))
  })
}

test('dev.toml counts loopback as known and changes nothing else but the name', () => {
  const { config, origins } = load('dev.toml')

  const changed = Object.keys(origins).filter(path => origins[path] !== 'default')
  assert.deepEqual(changed, ['node.name', 'strangers.loopbackIsKnown'])
  assert.equal(config.strangers.loopbackIsKnown, true)
})

test('node.toml is what the defaults are', () => {
  assert.deepEqual(load('node.toml').config, loadConfig().config)
})

function load(name: string): ReturnType<typeof loadConfig> {
  return loadConfig({ file: { path: name, text: readFileSync(`${import.meta.dirname}/${name}`, 'utf8') } })
}
