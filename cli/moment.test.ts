import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dateText, durationS, leftText, momentS } from './moment.ts'

test('reads how long something lasts', () => {
  assert.deepEqual(
    ['90s', '15m', '24h', '30d'].map(text => durationS('ttl', text)),
    [90, 900, 86_400, 2_592_000]
  )
})

test('reads a point in time from now on, as a date, or as Unix seconds', () => {
  assert.equal(momentS('until', '1h', 1000), 4600)
  assert.equal(momentS('until', '2030-01-31T12:00Z', 0), Date.UTC(2030, 0, 31, 12) / 1000)
  assert.equal(momentS('until', '2030-01-31', 0), Date.UTC(2030, 0, 31) / 1000)
  assert.equal(momentS('until', '1893456000', 0), 1_893_456_000)
})

test('refuses what could be read in two ways', () => {
  for (const text of ['15', '15x', '', '-5m', '1.5h', '2030-13-40', '31.1.2030', '2030-01-31T12:00']) {
    assert.throws(() => durationS('ttl', text), { exitCode: 64, message: /^--ttl .*as in 15m$/ }, text)
    assert.throws(() => momentS('until', text, 0), { exitCode: 64 }, text)
  }
})

test('tells times to people', () => {
  assert.equal(dateText(1_893_456_000), '2030-01-01T00:00:00Z')
  assert.equal(dateText(Number.MAX_SAFE_INTEGER), '9007199254740991 s')
  assert.deepEqual(
    [0, 1, 900, 3600, 86_399, 86_400, 2_592_000].map(left => leftText(left, 0)),
    ['over', '1 s', '15 min', '1 h', '23 h 59 min', '1 d', '30 d']
  )
})
