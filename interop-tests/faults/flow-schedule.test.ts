import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { FlowPlan } from './fault-plan.ts'
import { FlowSchedule } from './flow-schedule.ts'
import type { Step } from './flow-schedule.ts'

/** Everything that a flow of `chunks`, each arriving a millisecond after the one before, lets through. */
function stepsOf(plan: FlowPlan, seed: number, chunks: readonly number[]): Step[] {
  const schedule = new FlowSchedule(plan, seed)
  chunks.forEach((bytes, i) => schedule.arrived(bytes, i))
  schedule.ended(chunks.length)
  const steps: Step[] = []
  for (let step = schedule.next(); step !== undefined; step = schedule.next()) {
    steps.push(step)
    schedule.take()
  }
  return steps
}

const passes = (steps: readonly Step[]) => steps.filter(step => step.kind === 'pass')
const total = (steps: readonly Step[]): number => passes(steps).reduce((sum, { bytes }) => sum + bytes, 0)

/** Where in the flow bits are flipped. */
function flips(steps: readonly Step[]): { atByte: number; mask: number }[] {
  let at = 0
  return passes(steps).flatMap(({ bytes, flip }) => {
    const from = at
    at += bytes
    return flip === undefined ? [] : [{ ...flip, atByte: from + flip.atByte }]
  })
}

const harm: FlowPlan = {
  latencyMs: 5,
  jitterMs: 40,
  loss: { rate: 0.3, stallMs: 100 },
  bytesPerSecond: 100_000,
  corruption: { fromByte: 2000, rate: 0.5 },
  cuts: [{ atByte: 7000, kind: 'partition', ways: 'up', forMs: 10 }]
}

test('the same plan, seed and bytes give the same steps', () => {
  assert.deepEqual(stepsOf(harm, 7, [5000, 9000]), stepsOf(harm, 7, [5000, 9000]))
})

test('another seed gives other steps', () => {
  assert.notDeepEqual(stepsOf(harm, 7, [50_000]), stepsOf(harm, 8, [50_000]))
})

test('loses no byte, keeps the order of time and corrupts the same bits however the bytes are cut up', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 20 }),
      fc.integer(),
      (chunks, seed) => {
        const steps = stepsOf(harm, seed, chunks)
        const bytes = chunks.reduce((sum, length) => sum + length, 0)
        const times = steps.map(({ atMs }) => atMs)

        assert.equal(total(steps), bytes)
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b)
        )
        assert.deepEqual(flips(steps), flips(stepsOf(harm, seed, bytes === 0 ? [] : [bytes])))
      }
    ),
    { numRuns: 300 }
  )
})

test('corrupts nothing before its byte', () => {
  const flipped = flips(stepsOf({ corruption: { fromByte: 20_000, rate: 1 } }, 3, [60_000]))

  assert.ok(flipped.length > 20)
  assert.ok(flipped.every(({ atByte, mask }) => atByte >= 20_000 && mask > 0 && mask < 256))
})

test('passes all at once under a clear plan', () => {
  const steps = stepsOf({}, 1, [10_000])

  assert.equal(total(steps), 10_000)
  assert.ok(passes(steps).every(({ atMs }) => atMs === 0))
})

test('holds each byte up by the latency', () => {
  const [first] = stepsOf({ latencyMs: 50 }, 1, [10])

  assert.deepEqual(first, { kind: 'pass', atMs: 50, bytes: 10, flip: undefined })
})

test('a lost segment stalls what is behind it', () => {
  const steps = passes(stepsOf({ loss: { rate: 1, stallMs: 200 } }, 1, [100, 100]))

  assert.deepEqual(
    steps.map(({ atMs }) => atMs),
    [200, 201]
  )
})

test('keeps to its bandwidth', () => {
  const steps = passes(stepsOf({ bytesPerSecond: 1448 }, 1, [1448 * 4]))

  assert.deepEqual(
    steps.map(({ atMs }) => atMs),
    [0, 1000, 2000, 3000]
  )
})

test('dribbles from its byte on', () => {
  const steps = passes(stepsOf({ dribble: { fromByte: 1000, bytes: 2, everyMs: 30 } }, 1, [1006]))

  assert.deepEqual(
    steps.map(({ atMs, bytes }) => [atMs, bytes]),
    [
      [0, 1000],
      [0, 2],
      [30, 2],
      [60, 2]
    ]
  )
})

test('cuts between the bytes it names', () => {
  const steps = stepsOf({ cuts: [{ atByte: 300, kind: 'reset' }] }, 1, [1000])

  assert.deepEqual(
    steps.map(step => (step.kind === 'pass' ? step.bytes : step.kind)),
    [300, 'cut', 700, 'end']
  )
})

test('lets everything pass at once when it is cleared', () => {
  const schedule = new FlowSchedule({ latencyMs: 10_000, corruption: { fromByte: 0, rate: 1 } }, 1)
  schedule.arrived(100, 5)
  schedule.next()

  schedule.clear()

  assert.deepEqual(schedule.next(), { kind: 'pass', atMs: 5, bytes: 100, flip: undefined })
})
