import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptRows } from './kept-rows.ts'

const MIB = 2 ** 20

test('rows of before the opening go with the first stretch', () => {
  const kept = new KeptRows(3, 9)

  assert.deepEqual(kept.end(12), { from: 3, to: 10 })
  assert.equal(kept.first, 10)
})

test('a row is kept while its batch may lie in a log of LevelDB', () => {
  const kept = new KeptRows(1, 0)
  const ends = Array.from({ length: 20 }, (_, i) => {
    kept.wrote(MIB)
    return kept.end(i + 1).to
  })

  // Two logs of 4 MiB and one batch each, and 2 MiB to spare.
  assert.deepEqual(ends.slice(0, 12), Array(12).fill(1))
  assert.deepEqual(ends.slice(12), [2, 3, 4, 5, 6, 7, 8, 9])
})

test('a large batch makes the logs longer', () => {
  const kept = new KeptRows(1, 0)
  kept.wrote(MIB)
  kept.end(1)
  kept.wrote(20 * MIB)
  kept.end(2)

  kept.wrote(20 * MIB)
  assert.equal(kept.end(3).to, 1)
  kept.wrote(20 * MIB)
  assert.equal(kept.end(4).to, 2)
})
