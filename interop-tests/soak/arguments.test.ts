import assert from 'node:assert/strict'
import test from 'node:test'
import { UsageError, soakArguments } from './arguments.ts'

test('takes minutes and seed', () => {
  assert.deepEqual(soakArguments(['--minutes', '30', '--seed', '4']), {
    minutes: 30,
    seed: 4,
    leak: 0
  })
})

test('draws a seed when none is given', () => {
  assert.ok(Number.isInteger(soakArguments(['--minutes', '1']).seed))
})

for (const argv of [
  [],
  ['--minutes', '0'],
  ['--minutes', 'x'],
  ['--minutes', '1', '--seed', '-1'],
  ['--minutes', '1', '--leak', 'all'],
  ['now']
]) {
  test(`refuses ${argv.join(' ') || 'no arguments'}`, () => {
    assert.throws(() => soakArguments(argv), UsageError)
  })
}
