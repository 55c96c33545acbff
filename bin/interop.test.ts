import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALONE, interopFiles } from './interop.mjs'

test('each interop test runs once, beside others or alone, and nobody is told to run alone who is not there', () => {
  const { beside, alone } = interopFiles()

  assert.ok(beside.length > 40)
  assert.equal(new Set([...beside, ...alone]).size, beside.length + alone.length)
  for (const name of ALONE)
    assert.ok(
      alone.some(file => file.startsWith(`interop-tests/${name}`)),
      `${name} names nothing`
    )
})
