import assert from 'node:assert/strict'
import test from 'node:test'
import type { ServerSession } from '../../protocols/index.ts'
import { SessionClock } from './session-clock.ts'

/** A clock with `count` sessions, and how often each has been told the time. */
function clockWith(count: number) {
  const told: number[] = Array.from({ length: count }, () => 0)
  const clock = new SessionClock(() => 7)
  const sessions = told.map((_, i) => {
    const tick = (now: number): void => void (told[i]! += now === 7 ? 1 : NaN)
    return { tick } as unknown as ServerSession
  })
  const leave = sessions.map(session => clock.add(session))
  return { clock, sessions, leave, told }
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)

test('ten ticks tell each session once, no tick more than a tenth of them', () => {
  const { clock, told } = clockWith(95)

  for (let i = 1; i <= 10; i++) {
    const before = sum(told)
    clock.tick()
    assert.ok(sum(told) - before <= 10)
  }

  assert.deepEqual(new Set(told), new Set([1]))
})

test('tells the time of each tick', () => {
  const times: number[] = []
  let now = 0
  const clock = new SessionClock(
    () => (now += 25),
    time => void times.push(time)
  )

  clock.tick()
  clock.tick()

  assert.deepEqual(times, [25, 50])
})

test('who comes after others have left fills up the parts that became small', () => {
  const { clock, sessions, leave, told } = clockWith(100)
  const isLeft = (_: unknown, i: number): boolean => i % 10 !== 0
  for (const left of leave.filter(isLeft)) left()
  for (const session of sessions.filter(isLeft)) clock.add(session)

  for (let i = 1; i <= 10; i++) {
    const before = sum(told)
    clock.tick()
    assert.equal(sum(told) - before, 10)
  }
})

test('a session that was taken out is not told again', () => {
  const { clock, leave, told } = clockWith(3)
  leave[1]!()

  for (let i = 0; i < 10; i++) clock.tick()

  assert.deepEqual(told, [1, 0, 1])
})

test('runs until it is told to end, and fails with a session that throws', async () => {
  const stop = new AbortController()
  const { clock } = clockWith(1)
  let hasStarted = false
  const running = clock.run(() => (hasStarted = true), stop.signal)
  stop.abort()
  await running
  assert.equal(hasStarted, true)

  clock.add({
    tick() {
      throw new Error('broke')
    }
  } as unknown as ServerSession)
  await assert.rejects(
    clock.run(() => undefined, new AbortController().signal),
    /broke/
  )
})
