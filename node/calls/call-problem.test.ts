import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS, OapError, REASONS } from '../../protocols/index.ts'
import { callProblem } from './call-problem.ts'

test('every refusal of a service has a status of HTTP, and what is the node’s own fault says nothing', () => {
  for (const code of REASONS) {
    const problem = callProblem(new OapError(code))
    const { status } = ERRORS[code]
    assert.equal(problem?.status, status === 500 ? undefined : status, code)
    if (status === 429 || status === 503) assert.match(problem!.headers['retry-after']!, /^[1-9]$/, code)
    if (status === 401) assert.match(problem!.headers['www-authenticate']!, /^Bearer/, code)
  }
  assert.equal(callProblem(new Error('secret')), undefined)
})

test('what HTTP has a status of its own for gets it', () => {
  const range = new OapError('bad_request', 'offset', { code: 'bad_range' })

  assert.deepEqual([callProblem(range)!.status, callProblem(range)!.code], [416, 'bad_range'])
})

test('a call that was cut off is not called one of which nothing was done, and says when to ask again', () => {
  const { status, code, headers } = callProblem(new OapError('upstream', 'gone', { reason: 'session_lost' }))!

  assert.deepEqual([status, code, headers], [502, 'upstream', { 'retry-after': '1' }])
})
