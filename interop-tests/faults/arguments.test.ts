import assert from 'node:assert/strict'
import test from 'node:test'
import { UsageError, faultArguments } from './arguments.ts'

const NAMES = ['latency', 'reset']

test('a short run has a seed that never changes', () => {
  assert.deepEqual(faultArguments([], NAMES), { seed: 1, minutes: 0, only: undefined, json: false })
})

test('a full run draws its seed', () => {
  const { seed, minutes } = faultArguments(['--full'], NAMES)

  assert.ok(Number.isInteger(seed))
  assert.equal(minutes, 10)
})

test('takes seed, minutes and a scenario', () => {
  const argv = ['--full', '--seed', '42', '--minutes', '3', '--only', 'reset', '--json']

  assert.deepEqual(faultArguments(argv, NAMES), { seed: 42, minutes: 3, only: 'reset', json: true })
})

for (const argv of [
  ['--minutes', '3'],
  ['--full', '--minutes', '0'],
  ['--seed', 'x'],
  ['--only', 'fire'],
  ['-x']
]) {
  test(`refuses ${argv.join(' ')}`, () => {
    assert.throws(() => faultArguments(argv, NAMES), UsageError)
  })
}
