import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descriptorLimit, judgeClock, judgeDelegation, judgeDescriptors, judgeDisk } from './judge.ts'

const MIB = 1024 * 1024
const DAY_S = 86_400

test('a clock that is behind what was written is wrong, a minute aside', () => {
  const newest = { path: '/hub/store', mtimeMs: 1_000_000 }

  assert.equal(judgeClock(1_000_000 - 60_000, newest).is, 'ok')
  assert.equal(judgeClock(1_000_000 - 60_001, newest).is, 'wrong')
  assert.match(
    judgeClock(0, newest).message,
    /^\/hub\/store was written 1000 s from now: set the clock right/
  )
})

test('a disk warns before it takes no writes', () => {
  assert.deepEqual(
    [99, 100, 399, 400].map(mib => judgeDisk(mib * MIB, 100 * MIB, '/hub').is),
    ['wrong', 'warn', 'warn', 'ok']
  )
})

test('open files must do for all connections, and are told before they are used up', () => {
  assert.deepEqual(
    [
      judgeDescriptors(1255, 1000, undefined),
      judgeDescriptors(1256, 1000, 1000),
      judgeDescriptors(1256, 1000, 1010)
    ].map(({ is }) => is),
    ['wrong', 'ok', 'warn']
  )
  assert.match(judgeDescriptors(100, 1000, 5).message, /needs 1256: raise it with ulimit -n/)
})

test('a key warns a month before the hub key speaks for it no more', () => {
  const key = (notAfter: number) =>
    judgeDelegation({ role: 'log', node: 'n', notAfter }, 1000, 'key delegate').is

  assert.deepEqual([999, 1000, 1000 + 30 * DAY_S - 1, 1000 + 30 * DAY_S].map(key), [
    'wrong',
    'warn',
    'warn',
    'ok'
  ])
})

test('reads the limit of open files, and nothing of a text that is none', () => {
  assert.equal(
    descriptorLimit(
      'Limit  Soft\nMax open files            1024                 524288               files\n'
    ),
    1024
  )
  assert.equal(descriptorLimit('Max open files   unlimited  unlimited files'), Infinity)
  assert.equal(descriptorLimit('Max open files x'), undefined)
  assert.equal(descriptorLimit(''), undefined)
})
