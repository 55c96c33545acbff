import assert from 'node:assert/strict'
import test from 'node:test'
import { briefRefusal } from './brief-refusal.ts'

test('a brief refusal says all that the peer is told, and not where it was made', () => {
  const refusal = briefRefusal('saturated', 'too much')
  const usual = new Error('another')

  assert.deepEqual([refusal.code, refusal.status, refusal.message], ['saturated', 503, 'too much'])
  assert.ok(refusal.retryAfterMs! >= 1000 && refusal.retryAfterMs! <= 5000)
  assert.doesNotMatch(refusal.stack!, /\n\s+at /)
  assert.match(usual.stack!, /\n\s+at /)
})
