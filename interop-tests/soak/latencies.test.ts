import assert from 'node:assert/strict'
import test from 'node:test'
import { Latencies } from './latencies.ts'
import type { Window } from './latencies.ts'

test('tells the quantiles of both windows within 3 %, and how they drifted', () => {
  let window: Window | undefined = 'early'
  const latencies = new Latencies(() => window)
  for (let i = 1; i <= 1000; i++) latencies.add('echo', i / 100)
  window = undefined
  latencies.add('echo', 1e6)
  window = 'late'
  for (let i = 1; i <= 1000; i++) latencies.add('echo', i / 50)

  const { early, late, p50, p99 } = latencies.report()['echo']!

  assert.ok(Math.abs(early.p50 - 5) < 0.15 && Math.abs(early.p99 - 9.9) < 0.3, JSON.stringify(early))
  assert.ok(Math.abs(late.p50 - 10) < 0.3 && Math.abs(late.p99 - 19.8) < 0.6, JSON.stringify(late))
  assert.deepEqual([early.calls, late.calls], [1000, 1000])
  assert.ok(Math.abs(p50! - 2) < 0.07 && Math.abs(p99! - 2) < 0.07)
})

test('times beyond what is expected are taken for the shortest and the longest there are', () => {
  const latencies = new Latencies(() => 'early')
  latencies.add('echo', 0)
  latencies.add('mailbox', 1e9)

  assert.equal(latencies.report()['echo']!.early.p99, 0.01)
  assert.ok(latencies.report()['mailbox']!.early.p50 > 60_000)
})

test('a window without calls has no drift', () => {
  const latencies = new Latencies(() => 'late')
  latencies.add('echo', 1)

  const { early, p50, p99 } = latencies.report()['echo']!
  assert.deepEqual(
    { early, p50, p99 },
    { early: { calls: 0, p50: 0, p99: 0 }, p50: undefined, p99: undefined }
  )
})
