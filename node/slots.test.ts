import assert from 'node:assert/strict'
import test from 'node:test'
import { Slots } from './slots.ts'

test('holds what has come and not left, however often places change hands', () => {
  const slots = new Slots<{ readonly n: number }>()
  const leave = [1, 2, 3].map(n => slots.add({ n }))

  leave[1]!()
  leave[0]!()
  slots.add({ n: 4 })

  assert.equal(slots.size, 2)
  assert.deepEqual(new Set([...slots].map(({ n }) => n)), new Set([3, 4]))
})

test('what leaves while all are gone through is left out', () => {
  const slots = new Slots<{ readonly n: number }>()
  const leave = [1, 2, 3].map(n => slots.add({ n }))
  const seen: number[] = []

  for (const { n } of slots) {
    seen.push(n)
    if (n === 1) leave[1]!()
  }

  assert.deepEqual(seen, [1, 3])
  assert.equal(slots.size, 2)
})
