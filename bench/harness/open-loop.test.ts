import assert from 'node:assert/strict'
import test from 'node:test'
import { dueBy, openLoop } from './open-loop.ts'

const PACE = { perSecond: 500, forMs: 100 }

test('calls are due at even distances from the first, and none after the end', () => {
  const due = [-1, 0, 0.1, 2, 2.1, 99, 100, 5000].map(elapsed => dueBy(elapsed, PACE))

  assert.deepEqual(due, [0, 0, 1, 1, 2, 50, 50, 50])
})

test('all calls are made, each with the time when it was due', async () => {
  const due: number[] = []

  await openLoop({ perSecond: 2000, forMs: 10 }, at => due.push(at))

  assert.equal(due.length, 20)
  assert.ok(due.every((at, i) => i === 0 || Math.abs(at - due[i - 1]! - 0.5) < 1e-6))
})
