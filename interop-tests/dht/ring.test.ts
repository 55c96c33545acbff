import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialledBy, distance, pairs } from './ring.ts'

const RING = { members: 20, reach: 5 }

test('a member dials the next of the ring', () => {
  assert.deepEqual(dialledBy(RING, 18), [19, 0, 1, 2, 3])
})

test('distances are counted in links, the shorter way', () => {
  assert.deepEqual(
    [0, 5, 6, 10, 14, 15, 19].map(n => distance(RING, 0, n)),
    [0, 1, 2, 2, 2, 1, 1]
  )
})

test('pairs are two links apart, fit, and from everywhere', () => {
  const some = pairs(RING, 60, n => n !== 3)

  assert.equal(some.length, 60)
  assert.ok(some.every(([a, b]) => distance(RING, a, b) === 2 && a !== 3 && b !== 3))
  assert.ok(new Set(some.map(([a]) => a)).size > 10)
  assert.deepEqual(pairs({ members: 4, reach: 3 }, 5), [])
})
