import assert from 'node:assert/strict'
import test from 'node:test'
import { patiently } from './patience.ts'

const ignore = (): void => {}
const never = (): Promise<never> => new Promise(ignore)

test('waits for ever without a deadline and a signal', async () => {
  const [got, left] = await patiently({}, signal => Promise.resolve(signal), ignore)

  assert.equal(got, undefined)
  assert.deepEqual(left, {})
})

test('takes what it waited from the deadline', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const slow = Promise.withResolvers<string>()
  const waiting = patiently({ deadlineMs: 500, trace: 'kept' }, () => slow.promise, ignore)

  now += 200
  slow.resolve('session')

  assert.deepEqual(await waiting, ['session', { deadlineMs: 300, trace: 'kept' }])
})

test('fails with deadline when the deadline passes first', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const waiting = patiently({ deadlineMs: 500 }, never, ignore)

  t.mock.timers.tick(500)

  await assert.rejects(waiting, { code: 'deadline' })
})

test('fails with the reason of a caller who leaves, and tells', async () => {
  const caller = new AbortController()
  let told: AbortSignal | undefined
  const waiting = patiently(
    { signal: caller.signal },
    signal => {
      told = signal
      return never()
    },
    ignore
  )

  caller.abort(new Error('left'))

  await assert.rejects(waiting, { message: 'left' })
  assert.equal(told?.aborted, true)
})

test('asks for nothing when the caller has left already', async () => {
  const get = (): never => assert.fail('asked')

  await assert.rejects(patiently({ signal: AbortSignal.abort(new Error('left')) }, get, ignore), {
    message: 'left'
  })
})

test('hands over what comes when nobody waits any more', async () => {
  const caller = new AbortController()
  const slow = Promise.withResolvers<string>()
  const late = Promise.withResolvers<string>()
  const waiting = patiently({ signal: caller.signal }, () => slow.promise, late.resolve)
  caller.abort(new Error('left'))
  await assert.rejects(waiting)

  slow.resolve('session')

  assert.equal(await late.promise, 'session')
})
