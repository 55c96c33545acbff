import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError } from 'omnigate/sdk'
import { Outcomes, refusalsOf } from './outcomes.ts'

test('tells successes with their times, and refusals by code', () => {
  const outcomes = new Outcomes()

  for (let ms = 1; ms <= 101; ms++) outcomes.success(ms)
  outcomes.failure(new OapError('saturated'))
  outcomes.failure(new OapError('saturated'))
  outcomes.failure(new OapError('quota_tenant'))

  const told = outcomes.told()
  assert.deepEqual(told, {
    succeeded: 101,
    refused: { saturated: 2, quota_tenant: 1 },
    wrong: 0,
    p50Ms: 51,
    p99Ms: 100
  })
  assert.equal(refusalsOf(told), 3)
})

test('has no times where nothing succeeded', () => {
  assert.deepEqual(new Outcomes().told(), { succeeded: 0, refused: {}, wrong: 0 })
})

for (const [name, error] of [
  ['another status', new OapError('deadline')],
  ['a wait that is too short', new OapError('saturated', undefined, { retryAfterMs: 999 })],
  ['a wait that is too long', new OapError('quota_tenant', undefined, { retryAfterMs: 5001 })],
  ['no wait', Object.assign(new OapError('saturated'), { retryAfterMs: undefined })],
  ['an error of no code', new Error('gone')]
] as const) {
  test(`a call that ended with ${name} is wrong`, () => {
    const outcomes = new Outcomes()

    outcomes.failure(error)
    outcomes.failure(new Error('a later one'))

    const { refused, wrong, firstWrong } = outcomes.told()
    assert.deepEqual({ refused, wrong, firstWrong }, { refused: {}, wrong: 2, firstWrong: error.message })
  })
}

test('calls without an answer are wrong, none of them are none', () => {
  const outcomes = new Outcomes()

  outcomes.wrong('no answer', 0)
  outcomes.wrong('no answer', 3)

  assert.equal(outcomes.told().wrong, 3)
})
