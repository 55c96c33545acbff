import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  descriptorLimit,
  judgeClock,
  judgeDelegation,
  judgeDescriptors,
  judgeDisk,
  judgeLink,
  judgeMemory,
  judgeRates,
  memoryBound,
  wayOutOf
} from './judge.ts'

const MIB = 1024 * 1024
const DAY_S = 86_400

test('a clock that is behind what was written is wrong, a minute aside', () => {
  const newest = { path: '/hub/store', mtimeMs: 1_000_000 }

  assert.equal(judgeClock(1_000_000 - 60_000, newest).is, 'ok')
  assert.equal(judgeClock(1_000_000 - 60_001, newest).is, 'wrong')
  assert.match(
    judgeClock(0, newest).message,
    /^\/hub\/store was written 1000 s from now, .*: run: timedatectl /
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
  assert.match(judgeDescriptors(100, 1000, 5).message, /need 1256: set: LimitNOFILE=/)
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

test('memory that is bounded must do for heap and buffers', () => {
  assert.deepEqual(
    [
      judgeMemory(undefined, 300 * MIB),
      judgeMemory(300 * MIB, 300 * MIB),
      judgeMemory(299 * MIB, 300 * MIB)
    ].map(({ is }) => is),
    ['ok', 'ok', 'warn']
  )
  assert.match(judgeMemory(299 * MIB, 300 * MIB).message, /at most 299 MiB.* take 300 MiB.*: set: MemoryMax=/)
  assert.deepEqual(['1024\n', 'max\n', '', '-1'].map(memoryBound), [1024, undefined, undefined, undefined])
})

test('rates that are off are wrong where others reach HTTP, and warned of where none do', () => {
  assert.deepEqual(
    [judgeRates(true, true), judgeRates(false, false), judgeRates(false, true)].map(({ is }) => is),
    ['ok', 'warn', 'wrong']
  )
})

test('what is done about a hub without a link hangs on why there is none', () => {
  const command = (...words: string[]): string => words.join(' ')
  const said = (why: string): string => judgeLink({ hub: 'h1x', command }, 'down', why).message

  for (const [why, wayOut] of [
    ['no address of it is known, so it has to dial this node', 'run: peer edit h1x --address '],
    ['not dialled yet', 'run: doctor again'],
    ['not reached in time', 'see: peer show h1x for its address'],
    ['the other hub refused: not_allowlisted', 'run: key show and have its operator'],
    ['refused here: other_hub', 'see: peer show h1x and docs/federation.md'],
    ['', 'see: peer show h1x ']
  ] as const)
    assert.ok(said(why).includes(`: ${wayOut}`), said(why))
})

test('a node that is not ready says what to do about what it lacks', () => {
  assert.match(wayOutOf(['disk_lacking_mib'], 'status'), /^set: limits\.minFreeDiskBytes/)
  assert.match(wayOutOf(['store_ms'], 'status'), /quota-storm/)
  assert.match(wayOutOf(['ams'], 'status'), /^see: status and .*log/)
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
