import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from '../protocols/index.ts'
import { hardlyLasts, renewalBackoff, renewalTime, waitAfterFailure } from './renewal.ts'

const HOUR_MS = 3_600_000
const life = { from: 0, until: 3 * HOUR_MS, isRenewable: true }
const problem = new Error('no network')

test('renews at two thirds of life', () => {
  assert.equal(renewalTime(life), 2 * HOUR_MS)
})

test('a token that would have to be replaced within a second hardly lasts', () => {
  assert.ok(!hardlyLasts({ ...life, until: 1500 }, 0))
  assert.ok(hardlyLasts({ ...life, until: 1499 }, 0))
  assert.ok(hardlyLasts(life, 3 * HOUR_MS))
})

test('waits for a second at least, twice as long each time, and a minute at most', () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 1000].map(n => [renewalBackoff(n, 0), renewalBackoff(n, 1)])

  assert.deepEqual(bounds, [
    [1000, 2000],
    [2000, 4000],
    [4000, 8000],
    [8000, 16_000],
    [16_000, 32_000],
    [30_000, 60_000],
    [30_000, 60_000],
    [30_000, 60_000]
  ])
})

test('tries again after a failure sooner near the end, and after it with the same patience', () => {
  assert.equal(waitAfterFailure(problem, 9, HOUR_MS, 1), 60_000)
  assert.equal(waitAfterFailure(problem, 9, 20_000, 1), 4000)
  assert.equal(waitAfterFailure(problem, 9, 100, 1), 1000)
  assert.equal(waitAfterFailure(problem, 9, -1, 1), 60_000)
})

test('tries again no sooner than the hub asked for', () => {
  const busy = new OapError('quota_capability', 'too often', { retryAfterMs: 4000 })

  assert.equal(waitAfterFailure(busy, 1, 100, 0), 4000)
})
