import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS, OapError, REASONS } from '../protocols/index.ts'
import { ConnectError } from './connect-error.ts'
import { backoff, isPassing, retryWait } from './retry.ts'
import type { Failure } from './retry.ts'

const lost = new OapError('upstream', 'gone', { reason: 'session_lost' })
const failure = (members: Partial<Failure>): Failure => ({
  error: lost,
  made: 1,
  wasOpened: true,
  isRepeatable: true,
  leftMs: undefined,
  random: 0.5,
  ...members
})

test('waits at random below 50 ms, then below 100 ms, and gives up after three attempts', () => {
  const waits = (random: number) => [1, 2, 3].map(made => retryWait(failure({ made, random })))

  assert.deepEqual(waits(0), [0, 0, undefined])
  assert.deepEqual(waits(0.5), [25, 50, undefined])
  assert.deepEqual(waits(0.999), [49, 99, undefined])
})

test('waits never grow beyond 5 s', () => {
  assert.equal(backoff(7, 0.999), 3196)
  assert.equal(backoff(8, 0.999), 4995)
  assert.equal(backoff(2000, 0.999), 4995)
})

test('a policy may say other numbers', () => {
  const policy = { attempts: 5, baseMs: 1000, capMs: 1500 }

  assert.deepEqual(
    [1, 2, 3, 4, 5].map(made => retryWait(failure({ made }), policy)),
    [500, 750, 750, 750, undefined]
  )
})

test('waits at least as long as the node asked, and never longer than 5 s for it', () => {
  const full = (retryAfterMs: number) =>
    failure({ error: new OapError('mailbox_full', 'full', { retryAfterMs }) })

  assert.equal(retryWait(full(1200)), 1200)
  assert.equal(retryWait(full(1e9)), 5000)
})

test('does not wait beyond the deadline', () => {
  const busy = new OapError('quota_tenant', 'spent', { retryAfterMs: 1000 })

  assert.equal(retryWait(failure({ error: busy, leftMs: 1000 })), undefined)
  assert.equal(retryWait(failure({ error: busy, leftMs: 1001 })), 1000)
})

test('a call that changes something and may have been carried out is not made again', () => {
  for (const code of ['upstream', 'deadline', 'slow_peer'] as const) {
    const error = new OapError(code)

    assert.equal(retryWait(failure({ error, isRepeatable: false })), undefined, code)
    assert.equal(retryWait(failure({ error, isRepeatable: false, wasOpened: false })), 25, code)
    assert.equal(retryWait(failure({ error })), 25, code)
  }
})

test('a call that was refused with 429 or 503 did nothing, and is made again whatever it changes', () => {
  const busy = REASONS.filter(code => ERRORS[code].status === 429 || ERRORS[code].status === 503)
  const codes = busy.filter(code => code !== 'disk_full')

  for (const code of codes)
    assert.ok(retryWait(failure({ error: new OapError(code), isRepeatable: false }))! >= 1000, code)
  assert.ok(codes.includes('draining'))
})

test('a call during which the disk got full may have been carried out, and is made again only where that does no harm', () => {
  const error = new OapError('disk_full')

  assert.equal(retryWait(failure({ error, isRepeatable: false })), undefined)
  assert.ok(retryWait(failure({ error }))! >= 1000)
  assert.ok(retryWait(failure({ error, isRepeatable: false, wasOpened: false }))! >= 1000)
})

test('what does not pass by itself is not made again', () => {
  const final = REASONS.filter(code => !ERRORS[code].retryable).map(code => new OapError(code))
  const others = [new ConnectError('wrong_peer', '/x', 'no'), new TypeError('x'), undefined]

  for (const error of [...final, ...others])
    assert.equal(retryWait(failure({ error, wasOpened: false })), undefined, String(error))
})

test('a node that nobody reaches may be there again', () => {
  assert.ok(isPassing(new ConnectError('unreachable', '/x', 'no')))
  assert.ok(!isPassing(new ConnectError('bad_address', '/x', 'no')))
})
