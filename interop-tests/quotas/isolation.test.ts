import assert from 'node:assert/strict'
import test from 'node:test'
import { assertCounted } from './counted.ts'
import { quietAndStorm } from './quiet-and-storm.ts'
import { together } from './told.ts'

// What the storm costs others in time is judged by `npm run redteam -- --load quotas`, on a machine that does little else.

test('a storm of one peer beyond its quota is refused, and no call of another is', async t => {
  const { rounds, honest, loud, counted } = await quietAndStorm({
    rounds: 1,
    calls: 200,
    refusals: 1000,
    givesWay: false
  })
  for (const { quietMs, stormedMs } of rounds)
    t.diagnostic(`p99 quiet ${quietMs.toFixed(2)} ms, in the storm ${stormedMs.toFixed(2)} ms`)

  assert.deepEqual([...honest.statuses.keys()], [0])
  assert.deepEqual([...loud.codes.keys()], ['quota_tenant'])
  const refused = loud.codes.get('quota_tenant')!
  t.diagnostic(`${refused} of ${loud.calls} calls of the storm were refused`)
  assertCounted(counted, together([honest, loud]))
})
