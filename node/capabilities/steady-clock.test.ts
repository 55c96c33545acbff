import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SteadyClock } from './steady-clock.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 0, 1)

test('follows the machine clock while that goes on as it should', () => {
  const { clock, pass } = machine()

  pass(1500)

  assert.equal(clock.now(), START + 1500)
  assert.equal(clock.seconds(), START / 1000 + 1)
})

test('goes on when the machine clock is set back by an hour, and says so once', () => {
  const { clock, pass, set, steps } = machine()
  pass(10_000)

  set(-HOUR_MS)
  const after = clock.now()
  pass(5000)

  assert.equal(after, START + 10_000)
  assert.equal(clock.now(), START + 15_000)
  assert.deepEqual(steps, [HOUR_MS])
})

test('goes ahead with the machine clock when that is set forward by an hour', () => {
  const { clock, pass, set, steps } = machine()
  pass(1000)

  set(HOUR_MS)

  assert.equal(clock.now(), START + 1000 + HOUR_MS)
  assert.deepEqual(steps, [])
})

test('comes back from an hour too far ahead to the time that has really gone by, and no further', () => {
  const { clock, pass, set, steps } = machine()
  set(HOUR_MS)
  clock.now()
  pass(1000)

  set(-2 * HOUR_MS)

  assert.equal(clock.now(), START + 1000)
  assert.deepEqual(steps, [2 * HOUR_MS])
})

test('leaves a step back of a minute unsaid', () => {
  const { clock, set, steps } = machine()

  set(-60_000)
  clock.now()
  set(-60_001)
  clock.now()

  assert.deepEqual(steps, [60_001])
})

test('is never behind the time that has gone by since the start, whatever happens to the machine clock', () => {
  const event = fc.record({ ms: fc.nat(10_000), step: fc.integer({ min: -HOUR_MS, max: HOUR_MS }) })
  fc.assert(
    fc.property(fc.array(event), events => {
      const { clock, pass, set } = machine()
      let elapsed = 0
      for (const { ms, step } of events) {
        pass(ms)
        set(step)
        elapsed += ms
        assert.ok(clock.now() >= START + elapsed)
      }
    })
  )
})

function machine() {
  let wall = START
  let monotonic = 77
  const steps: number[] = []
  const clock = new SteadyClock({
    wall: () => wall,
    monotonic: () => monotonic,
    onStepBack: ms => steps.push(ms)
  })
  const set = (ms: number): number => (wall += ms)
  const pass = (ms: number): void => {
    wall += ms
    monotonic += ms
  }
  return { clock, steps, set, pass }
}
