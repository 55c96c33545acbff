import assert from 'node:assert/strict'
import { test } from 'node:test'
import { highestRung, rateOf } from './sustained-rate.ts'

for (const limit of [-9, -8, -3, 0, 1, 4, 5, 11, 23, 24, 30])
  test(`finds the highest rung below ${limit} from wherever it begins, and tries none twice`, async () => {
    for (const start of [-8, 0, 7, 24]) {
      const tried: number[] = []

      const found = await highestRung({ lowest: -8, highest: 24, start }, async rung => {
        tried.push(rung)
        return rung < limit
      })

      assert.equal(found, Math.max(-9, Math.min(limit - 1, 24)))
      assert.equal(new Set(tried).size, tried.length)
      assert.ok(tried.every(rung => rung >= -8 && rung <= 24))
    }
  })

test('a rung is a quarter more than the one below', () => {
  assert.equal(rateOf(0), 20)
  assert.equal(rateOf(3) / rateOf(2), 1.25)
})
