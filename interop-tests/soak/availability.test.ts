import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError } from 'omnigate/protocols'
import { ConnectError } from 'omnigate/sdk'
import { Availability } from './availability.ts'
import { Restarts } from './restarts.ts'
import { Watch } from './watch.ts'

function after(answered: number, errors: readonly unknown[]): Availability {
  const availability = new Availability()
  for (let i = 0; i < answered; i++) availability.answered()
  for (const error of errors) availability.failed('echo', error)
  return availability
}

const unreachable = new ConnectError('unreachable', 'address', 'gone')

for (const [what, error] of [
  ['a 503', new OapError('saturated')],
  ['a 429', new OapError('quota_tenant')],
  ['no answer in time', new OapError('deadline')],
  ['an answer that is too slow', new OapError('slow_peer')],
  ['a link that broke', new OapError('upstream')],
  ['a fault of the node', new OapError('internal')],
  ['a connection that nobody takes', unreachable],
  ['an error of no code', new Error('?')]
] as const) {
  test(`${what} is no availability`, () => {
    assert.equal(after(9998, [error]).violations().length, 1)
    assert.deepEqual(after(9999, [error]).violations(), [])
  })
}

test('a refusal of what was asked is an answer', () => {
  const { share, missed } = after(0, [
    new OapError('conflict', undefined, { code: 'lease_expired' })
  ]).report()

  assert.deepEqual({ share, missed }, { share: 1, missed: {} })
})

test('says what failed, and how much of all', () => {
  const availability = after(1, [unreachable, unreachable, new OapError('saturated')])

  assert.deepEqual(availability.violations(), ['3 of 4 calls were not answered: 25.000 %, less than 99.99 %'])
  assert.deepEqual(availability.report().missed, { 'echo: unreachable': 2, 'echo: saturated': 1 })
})

test('a run in which nobody called has shown nothing', () => {
  assert.deepEqual(new Availability().violations(), ['no call was made'])
})

/** A watch whose clock is moved by hand. */
class Watched {
  now = 0
  readonly availability = new Availability()
  readonly restarts = new Restarts(() => this.now)
  readonly times: number[] = []
  readonly watch = new Watch(
    this.restarts,
    this.availability,
    (_kind, ms) => this.times.push(ms),
    () => this.now
  )
}

test('a call that meets a restart does not count, whether it began before it or in it', async () => {
  const { restarts, watch, availability, times } = new Watched()
  const cutOff = Promise.withResolvers<never>()
  const before = watch.call('echo', () => cutOff.promise)

  await restarts.during(async () => {
    await assert.rejects(watch.call('echo', () => Promise.reject(unreachable)))
  })
  cutOff.reject(new OapError('upstream'))
  await assert.rejects(before)

  assert.deepEqual(availability.report(), { calls: 0, share: 1, missed: {}, inRestarts: 2 })
  assert.deepEqual(times, [])
})

test('calls after a restart count again, with how long they took', async () => {
  const watched = new Watched()
  const { restarts, watch, availability, times } = watched
  await restarts.during(() => Promise.resolve())
  watched.now = 1

  await watch.call('echo', () => Promise.resolve(void (watched.now = 4)))
  await assert.rejects(watch.call('echo', () => Promise.reject(unreachable)))

  assert.deepEqual(availability.report(), {
    calls: 2,
    share: 0.5,
    missed: { 'echo: unreachable': 1 },
    inRestarts: 0
  })
  assert.deepEqual(times, [3])
  assert.equal(restarts.count, 1)
})
