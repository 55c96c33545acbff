import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { CallTable } from './call-table.ts'

test('behaves like a map, whatever the ids', () => {
  const ids = fc.oneof(
    fc.nat(200),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.constantFrom(1, 65, 129)
  )
  const steps = fc.array(fc.record({ corr: ids, removes: fc.boolean() }), { maxLength: 60 })
  fc.assert(
    fc.property(steps, plan => {
      const table = new CallTable<{ corr: number | bigint }>()
      const model = new Map<number | bigint, { corr: number | bigint }>()
      for (const { corr, removes } of plan) {
        if (removes) assert.equal(table.delete(corr), model.delete(corr))
        else if (!model.has(corr)) {
          const call = { corr }
          model.set(corr, call)
          table.add(call)
        }
        assert.equal(table.get(corr), model.get(corr))
        assert.equal(table.size, model.size)
      }
      assert.deepEqual(new Set(table), new Set(model.values()))
    }),
    { numRuns: 1000 }
  )
})
