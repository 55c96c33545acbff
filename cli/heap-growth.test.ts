import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
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

test('the node that the red team attacks lets its heap grow by the same numbers', () => {
  const target = readFileSync(new URL('../interop-tests/redteam/target-node.ts', import.meta.url), 'utf8')
  const [, many, few, most] = /< (\d+) \? (\d+) : (\d+)/.exec(target)!.map(Number) as [
    number,
    number,
    number,
    number
  ]

  assert.deepEqual([many - 1, many].map(heapGrowthPercent), [few, most])
})
