import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from './errors.ts'
import { StreamPlaces } from './stream-places.ts'

test('gives the places that there are, then each that comes back to who waits longest', async () => {
  const places = new StreamPlaces(2)
  const order: string[] = []
  const first = await places.take()
  await places.take()
  const third = places.take().then(give => (order.push('third'), give))
  const fourth = places.take().then(give => (order.push('fourth'), give))

  first()
  const giveThird = await third
  assert.deepEqual(order, ['third'])
  // A place that was given back is not given back again.
  first()
  await turn()
  assert.deepEqual(order, ['third'])
  giveThird()
  await fourth

  assert.deepEqual(order, ['third', 'fourth'])
})

test('who leaves waits no more, and takes no place', async () => {
  const places = new StreamPlaces(1)
  const give = await places.take()
  const caller = new AbortController()
  const left = places.take(caller.signal)
  const behind = places.take()

  caller.abort(new Error('left'))
  await assert.rejects(left, { message: 'left' })
  give()
  const giveBehind = await behind
  giveBehind()

  await places.take()
  await assert.rejects(places.take(AbortSignal.abort(new Error('left'))), { message: 'left' })
})

test('refuses one more than 1024 that wait, with a time to come again, and names the limit', async () => {
  const places = new StreamPlaces(3)
  for (let n = 0; n < 3; n++) await places.take()
  const waiting = Array.from({ length: 1024 }, () => places.take())

  const refused = await places.take().catch((error: unknown) => error)

  assert.ok(refused instanceof OapError)
  assert.deepEqual([refused.code, refused.status, refused.retryable], ['saturated', 503, true])
  assert.ok(refused.retryAfterMs! >= 1000)
  assert.match(refused.message, /^3 calls .* 1024 wait$/)
  assert.equal(waiting.length, 1024)
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
