import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusyError, DeadlineError, NotFoundError } from 'omnigate/sdk'
import { storm, stormText } from './storm.ts'

test('calls are counted by how they ended', async () => {
  const ends = [
    () => Promise.resolve(),
    () => Promise.reject(new BusyError('quota_tenant', undefined, { retryAfterMs: 1500 })),
    () => Promise.reject(new BusyError('saturated', undefined, { retryAfterMs: 4000 })),
    () => Promise.reject(new DeadlineError('deadline')),
    () => Promise.reject(new NotFoundError('not_found'))
  ]

  const told = await storm(10, n => ends[n % ends.length]!())

  assert.equal(
    stormText(told),
    '10 calls, 2 answered, 2 with 429, 2 with 503, 2 at their deadline, 2 not_found; to wait 1500 to 4000 ms'
  )
  assert.deepEqual([told.times.count, told.waitMs], [10, [1500, 4000]])
})

test('of calls that are all answered nothing is told to wait', async () => {
  assert.match(
    stormText(await storm(2, () => Promise.resolve())),
    /^2 calls, 2 answered, .*; to wait for nothing$/
  )
})
