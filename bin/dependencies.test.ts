import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SHIPPED = '{protocols,transport,dht,federation,node,sdk,cli}/**/*.ts'
const IMPORT =
  /^\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm

const root = new URL('../', import.meta.url)
const folder = fileURLToPath(root)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
const imported = new Set(
  globSync(SHIPPED, { cwd: folder })
    .filter(file => !/\.(test|suite|fixture)\.ts$/.test(file))
    .flatMap(file => packagesIn(readFileSync(new URL(file, root), 'utf8')))
)

test('every package that the shipped code imports is a dependency', () => {
  const undeclared = [...imported].filter(name => !(name in manifest.dependencies))

  assert.deepEqual(undeclared, [])
})

test('every dependency is imported by the shipped code', () => {
  const unused = Object.keys(manifest.dependencies).filter(name => !imported.has(name))

  assert.deepEqual(unused, [])
})

function packagesIn(source: string): string[] {
  return [...source.matchAll(IMPORT)]
    .map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
    .filter(
      name =>
        !name.startsWith('.') &&
        !isBuiltin(name) &&
        name !== manifest.name &&
        !name.startsWith(`${manifest.name}/`)
    )
    .map(name => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
}
