import assert from 'node:assert/strict'
import test from 'node:test'
import { typedError } from '../errors.ts'
import { retryWait } from '../retry.ts'
import { problemError } from './problem.ts'

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const errorOf = (status: number, body: unknown, retryAfter: string | null = null) => {
  const error = problemError(status, bytes(body), { corrId: 7n, retryAfter })
  const { name } = typedError(error, undefined) as Error
  return [name, error.code, error.status, error.retryable, error.retryAfterMs, error.corrId]
}

for (const [what, status, body, expected] of [
  ['a code of OAP', 409, { error: 'conflict' }, ['ConflictError', 'conflict', false]],
  ['a code of the mailbox', 409, { error: 'idem_conflict' }, ['ConflictError', 'idem_conflict', false]],
  ['a code of HTTP', 401, { error: 'unauthorized' }, ['CapabilityError', 'unauthorized', false]],
  ['a range behind the end', 416, { error: 'bad_range' }, ['RequestError', 'bad_range', false]],
  ['a page of another origin', 403, { error: 'origin_denied' }, ['PolicyError', 'origin_denied', false]],
  ['a proxy without the hub', 502, '<html>', ['LinkError', 'upstream', true]],
  ['a proxy whose patience ended', 504, {}, ['DeadlineError', 'deadline', true]],
  ['a code that is none', 400, { error: 'A B' }, ['RequestError', 'bad_request', false]],
  ['a status that nobody knows', 599, {}, ['NodeError', 'internal', false]],
  ['a status that should be none', 101, {}, ['LinkError', 'upstream', true]]
] as const) {
  test(`${what} becomes an error of its class`, () => {
    const [name, code, , retryable, , corrId] = errorOf(status, body)

    assert.deepEqual([name, code, retryable, corrId], [...expected, 7n])
  })
}

test('what was cut off, or lost behind a proxy, may have been carried out: no call without a key is made again', () => {
  const failure = { made: 1, wasOpened: true, leftMs: undefined, random: 0.5 }
  for (const body of [{ error: 'upstream', message: 'the node ended the call' }, '<html>']) {
    const error = problemError(502, bytes(body), { corrId: 7n, retryAfter: '1' })

    assert.deepEqual([error.reason, error.retryAfterMs], ['session_lost', 1000])
    assert.equal(retryWait({ ...failure, error, isRepeatable: false }), undefined)
    assert.equal(retryWait({ ...failure, error, isRepeatable: true }), 1000)
  }
})

test('the wait that the node asks for is taken from where it stands, up to a minute', () => {
  const busy = { error: 'rate_limited' }

  assert.equal(errorOf(429, busy, '7')[4], 7000)
  assert.equal(errorOf(429, { ...busy, retry_after_sec: 9 }, '7')[4], 9000)
  assert.equal(errorOf(429, busy, '999999')[4], 60_000)
  assert.equal(errorOf(429, busy, 'tomorrow')[4], 1000)
})
