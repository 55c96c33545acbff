import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atLeast, atMost, judge, ratio, type Check, type Figures } from './verdict.ts'

const figuresWith = (...checks: Check[]): Figures => ({
  what: 'echo',
  ours: 120_000,
  others: { plain: 20_000, nats: { missing: 'Go is not installed' } },
  limit: 150_000,
  checks,
  spread: { ours: 0.1 },
  notes: {}
})

test('a bar is reached exactly at its value, from either side', () => {
  assert.equal(atLeast('x plain', 6, 6).pass, true)
  assert.equal(atLeast('x plain', 6, 5.99).pass, false)
  assert.equal(atMost('CPU', 0.15, 0.15).pass, true)
  assert.equal(atMost('CPU', 0.15, 0.151).pass, false)
})

test('the verdict uses the figure itself, not the rounded one that is shown', () => {
  const check = atLeast('x plain', 6, 5.9999)

  assert.equal(check.value, 6)
  assert.equal(check.pass, false)
})

test('a row passes only when all of its checks pass, and its ratio and bar are those of the first', () => {
  const passing = judge('P1', 'box', figuresWith(atLeast('x plain', 6, 8), atMost('CPU', 0.15, 0.1)))
  const failing = judge('P1', 'box', figuresWith(atLeast('x plain', 6, 8), atMost('CPU', 0.15, 0.2)))

  assert.deepEqual([passing.ratio, passing.bar, passing.pass], [8, '>= 6', true])
  assert.equal(failing.pass, false)
})

test('a missing alternative fails its check and says why', () => {
  const check = atLeast('x NATS', 4, ratio(100, { missing: 'Go is not installed' }))

  assert.deepEqual(check, {
    what: 'x NATS',
    value: null,
    bar: '>= 4',
    pass: false,
    missing: 'Go is not installed'
  })
})

test('a ratio over nothing is not a figure', () => {
  assert.equal(atLeast('x plain', 6, ratio(5, 0)).pass, false)
})

test('a row without checks is refused', () => {
  assert.throws(() => judge('P1', 'box', figuresWith()), /P1: no checks/)
})

test('a result is one JSON line with the members that readers of the bench rely on', () => {
  const line = JSON.stringify(judge('P1', 'box', figuresWith(atLeast('x plain', 6, 6))))

  assert.ok(!line.includes('\n'))
  assert.deepEqual(Object.keys(JSON.parse(line) as object).slice(0, 10), [
    'row',
    'what',
    'ours',
    'others',
    'limit',
    'ratio',
    'bar',
    'pass',
    'spread',
    'machine'
  ])
})
