import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRITE_BUFFER_BYTES } from '../level.ts'
import { KeptRows } from './kept-rows.ts'

const MIB = 2 ** 20
const LOGS_MIB = (2 * WRITE_BUFFER_BYTES) / MIB

test('rows of before the opening go with the first stretch', () => {
  const kept = new KeptRows(3, 9)

  assert.deepEqual(kept.end(12), { from: 3, to: 10 })
  assert.equal(kept.first, 10)
})

test('a row is kept while its batch may lie in a log of LevelDB', () => {
  const kept = new KeptRows(1, 0)
  const ends = Array.from({ length: LOGS_MIB + 8 }, (_, i) => {
    kept.wrote(MIB)
    return kept.end(i + 1).to
  })

  // Two logs and one batch each, and 2 MiB to spare.
  const all = LOGS_MIB + 4
  assert.deepEqual(ends.slice(0, all), Array(all).fill(1))
  assert.deepEqual(ends.slice(all), [2, 3, 4, 5])
})

test('a large batch makes the logs longer', () => {
  const kept = new KeptRows(1, 0)
  kept.wrote(MIB)
  kept.end(1)
  const large = (LOGS_MIB / 2) * MIB
  kept.wrote(large)
  kept.end(2)

  // Twice as much as lies in the logs, of which each has a large batch more, and the spare.
  for (const batch of [3, 4, 5]) {
    kept.wrote(large)
    assert.equal(kept.end(batch).to, 1)
  }
  kept.wrote(large)
  assert.equal(kept.end(6).to, 2)
})
