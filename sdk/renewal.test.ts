import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextRenewalTime, renewalTime } from './renewal.ts'

const HOUR_MS = 3_600_000
const life = { from: 0, until: 3 * HOUR_MS, isRenewable: true }

test('renews at two thirds of life', () => {
  assert.equal(renewalTime(life), 2 * HOUR_MS)
})

test('tries again after a failure within a minute, sooner near the end, and not after it', () => {
  assert.equal(nextRenewalTime(life, 2 * HOUR_MS), 2 * HOUR_MS + 60_000)
  assert.equal(nextRenewalTime(life, 3 * HOUR_MS - 20_000), 3 * HOUR_MS - 16_000)
  assert.equal(nextRenewalTime(life, 3 * HOUR_MS - 100), 3 * HOUR_MS + 900)
  assert.equal(nextRenewalTime(life, 3 * HOUR_MS), undefined)
})
