import assert from 'node:assert/strict'
import test from 'node:test'
import { UsageError, fuzzArguments } from './arguments.ts'

const read = (...argv: string[]) => fuzzArguments(argv, ['codec', 'session'], 7)

test('fuzzes every target for two minutes when nothing is said', () => {
  assert.deepEqual(read(), {
    minutes: 2,
    target: undefined,
    seed: 7,
    input: undefined,
    save: false,
    pin: false
  })
})

test('takes minutes, a target and a seed', () => {
  const { minutes, target, seed } = read('--minutes', '0.5', '--target', 'codec', '--seed', '3')

  assert.deepEqual([minutes, target, seed], [0.5, 'codec', 3])
})

for (const [argv, why] of [
  [['--minutes', 'soon'], /--minutes soon: a number/],
  [['--minutes='], /--minutes : a number/],
  [['--minutes=-1'], /--minutes -1/],
  [['--seed', '1.5'], /--seed 1.5: an integer/],
  [['--target', 'disk'], /--target disk: one of codec, session/],
  [['--input', 'file'], /--input: needs --target/],
  [['--pin'], /--pin: needs --input/],
  [['--fast'], /--fast/]
] as const) {
  test(`refuses ${argv.join(' ')}`, () => {
    assert.throws(
      () => read(...argv),
      (error: Error) => error instanceof UsageError && why.test(error.message)
    )
  })
}
