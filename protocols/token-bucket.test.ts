import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { TokenBucket } from './token-bucket.ts'

test('gives its burst at once, then says how long to wait', () => {
  const bucket = new TokenBucket(2, 10, 0)

  assert.deepEqual([bucket.take(1, 0), bucket.take(1, 0), bucket.take(1, 0)], [0, 0, 100])
  assert.equal(bucket.take(1, 100), 0)
})

test('lets more than the burst through from a full bucket, and makes the next one wait for all of it', () => {
  const bucket = new TokenBucket(10, 10, 0)

  assert.equal(bucket.take(30, 0), 0)
  assert.equal(bucket.take(1, 0), 2100)
})

test('remembers what was charged as a debt', () => {
  const bucket = new TokenBucket(10, 10, 0)
  assert.equal(bucket.charge(25, 0), 1500)

  assert.equal(bucket.take(5, 0), 2000)
  assert.equal(bucket.msUntilFull(0), 2500)
})

test('a clock that steps back neither fills nor empties it', () => {
  const bucket = new TokenBucket(1, 1, 1_000_000)
  bucket.take(1, 1_000_000)

  assert.equal(bucket.take(1, 0), 1000)
  assert.equal(bucket.take(1, 1_000_500), 500)
})

test('never gives more than the burst and the rate over any span', () => {
  const steps = fc.array(fc.record({ after: fc.nat(500), n: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 200
  })
  fc.assert(
    fc.property(steps, plan => {
      const bucket = new TokenBucket(5, 20, 0)
      let now = 0
      let given = 0
      for (const { after, n } of plan) {
        now += after
        if (bucket.take(n, now) === 0) given += n
      }
      assert.ok(given <= 5 + (now / 1000) * 20 + 1e-6, `${given} in ${now} ms`)
    }),
    { numRuns: 1000 }
  )
})
