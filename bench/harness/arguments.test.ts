import assert from 'node:assert/strict'
import { test } from 'node:test'
import { benchArguments, UsageError } from './arguments.ts'

const KNOWN = ['P1', 'P1b']

test('without arguments every row runs, five rounds each', () => {
  assert.deepEqual(benchArguments([], KNOWN), {
    rows: ['P1', 'P1b'],
    json: false,
    smoke: false,
    record: false,
    rounds: 5
  })
})

test('a smoke run is one round unless more are asked for', () => {
  assert.equal(benchArguments(['--smoke'], KNOWN).rounds, 1)
  assert.equal(benchArguments(['--smoke', '--rounds', '3'], KNOWN).rounds, 3)
})

test('rows are chosen by name, several times if wanted', () => {
  assert.deepEqual(benchArguments(['--row', 'P1b', '--row', 'P1'], KNOWN).rows, ['P1b', 'P1'])
})

test('an unknown row, a bad number of rounds and an unknown option are refused by name', () => {
  const refused = (argv: string[], message: RegExp) =>
    assert.throws(
      () => benchArguments(argv, KNOWN),
      error => error instanceof UsageError && message.test(error.message)
    )

  refused(['--row', 'P9'], /--row P9: no such row; there are P1, P1b/)
  refused(['--rounds', '0'], /--rounds 0/)
  refused(['--rounds', '2.5'], /--rounds 2.5/)
  refused(['--turbo'], /--turbo/)
})

test('figures are recorded only from a full run of at least five rounds', () => {
  assert.throws(() => benchArguments(['--record', '--smoke'], KNOWN), /smoke/)
  assert.throws(() => benchArguments(['--record', '--rounds', '4'], KNOWN), /at least 5/)
})
