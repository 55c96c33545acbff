import assert from 'node:assert/strict'
import test from 'node:test'
import { heapGrowthPercent, letHeapGrow } from './heap-growth.ts'

test('the heap may grow to four times what is alive only where many connections wait for it to be marked', () => {
  assert.deepEqual([0, 255, 256, 1000].map(heapGrowthPercent), [40, 40, 300, 300])
})

test('connections are looked at once a second, until that is ended', t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let looks = 0
  const growth = letHeapGrow(() => looks++)

  t.mock.timers.tick(2000)
  growth[Symbol.dispose]()
  t.mock.timers.tick(2000)

  assert.equal(looks, 3)
})
