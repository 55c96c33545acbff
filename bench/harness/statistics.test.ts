import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { median, quantile, rounded, spread } from './statistics.ts'

test('the median of an odd number of values is the middle one, whatever their order', () => {
  assert.equal(median([9, 1, 5]), 5)
})

test('the median of an even number of values lies halfway between the middle two', () => {
  assert.equal(median([1, 2, 4, 100]), 3)
})

test('a quantile lies between the smallest and the largest value', () => {
  const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 })

  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
      const found = quantile(list, q)
      assert.ok(found >= Math.min(...list) && found <= Math.max(...list))
    })
  )
})

test('no values have no median', () => {
  assert.throws(() => median([]), /no values/)
})

test('the spread is the whole range as a share of the median', () => {
  assert.equal(spread([90, 100, 120]), 0.3)
  assert.equal(spread([7, 7, 7]), 0)
})

test('rounding keeps significant digits, not decimals', () => {
  assert.equal(rounded(123_456), 123_000)
  assert.equal(rounded(0.0123456), 0.0123)
})
