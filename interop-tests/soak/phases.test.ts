import assert from 'node:assert/strict'
import test from 'node:test'
import { planOf } from './phases.ts'

for (const minutes of [1, 5, 30, 1440, 10_080]) {
  test(`in a run of ${minutes} minutes the windows are apart and have readings enough`, () => {
    const { lifeMs, phases } = planOf(minutes)
    const { warmUpMs, windowMs, everyMs } = phases

    assert.ok(warmUpMs + 2 * windowMs < lifeMs)
    assert.ok(windowMs / everyMs >= 10)
  })

  test(`a run of ${minutes} minutes restarts the node now and then, and leaves it a long life`, () => {
    const { restartsAtMs, lifeMs } = planOf(minutes)

    assert.ok(restartsAtMs.length >= 2 && restartsAtMs.length <= 12)
    assert.ok(restartsAtMs.every((at, i) => at - (restartsAtMs[i - 1] ?? 0) >= 5000))
    assert.equal(restartsAtMs.at(-1)! + lifeMs, minutes * 60_000)
    assert.ok(lifeMs >= minutes * 48_000)
  })
}

test('in a run of half an hour the node warms up for eight minutes', () => {
  assert.deepEqual(planOf(30).phases, { warmUpMs: 480_000, windowMs: 300_000, everyMs: 30_000 })
})
