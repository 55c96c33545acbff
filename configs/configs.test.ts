import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
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

test('alerts.yml asks for metrics that a node has, and promtool takes it where it is installed', async () => {
  const path = `${import.meta.dirname}/alerts.yml`
  const text = readFileSync(path, 'utf8')
  const source = ['snapshots', 'witness']
    .map(part => readFileSync(`${import.meta.dirname}/../node/start/${part}.ts`, 'utf8'))
    .join('\n')

  const asked = [...text.matchAll(/expr: (.*)/g)].flatMap(([, expr]) => expr!.match(/[a-z]+_[a-z_]+/g) ?? [])
  assert.ok(asked.length >= 5)
  for (const metric of asked) assert.ok(source.includes(`'${metric}'`), metric)
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', path], {
    encoding: 'utf8'
  })
  if (error === undefined) assert.equal(status, 0, stdout + stderr)
})

function load(name: string): ReturnType<typeof loadConfig> {
  return loadConfig({ file: { path: name, text: readFileSync(`${import.meta.dirname}/${name}`, 'utf8') } })
}
