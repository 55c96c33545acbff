import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { retryDelayMs } from './retry.ts'

test('waits twice as long after each failure, up to a minute, at random in the upper half', () => {
  const bounds = [1, 2, 3, 6, 7, 8, 1000].map(failures => [
    retryDelayMs({ failures, wasRefused: false }, 0),
    retryDelayMs({ failures, wasRefused: false }, 1)
  ])

  assert.deepEqual(bounds, [
    [500, 1000],
    [1000, 2000],
    [2000, 4000],
    [16_000, 32_000],
    [30_000, 60_000],
    [30_000, 60_000],
    [30_000, 60_000]
  ])
})

test('waits longer where it was refused: one minute to ten', () => {
  const bounds = [1, 2, 5, 1000].map(failures => retryDelayMs({ failures, wasRefused: true }, 1))

  assert.deepEqual(bounds, [60_000, 120_000, 600_000, 600_000])
})

test('is a whole number in bounds for every failure and every draw', () => {
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.boolean(), draw, (failures, wasRefused, random) => {
      const ms = retryDelayMs({ failures, wasRefused }, random)

      assert.ok(Number.isInteger(ms) && ms >= 500 && ms <= 600_000, `${ms}`)
    })
  )
})
