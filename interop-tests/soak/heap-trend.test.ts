import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readProcess } from '../faults/process-reading.ts'
import { heapTrend } from './heap-trend.ts'
import type { HeapReading } from './heap-trend.ts'

setFlagsFromString('--expose-gc')
globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction

/** Readings of this very process, which keeps `leak` numbers more before each. */
async function ofThisProcess(leak: number, count: number): Promise<HeapReading[]> {
  const kept: number[][] = []
  const readings: HeapReading[] = []
  for (let i = 0; i < count; i++) {
    kept.push(Array.from({ length: leak }, (_, n) => n + 0.5))
    readings.push({ atMs: i, heapBytes: (await readProcess({ collect: true })).heapBytes })
  }
  assert.equal(kept.length, count)
  return readings
}

test('a process that keeps a little of everything has grown, one that keeps nothing has not', async () => {
  await ofThisProcess(20_000, 5)

  const leaking = heapTrend(await ofThisProcess(20_000, 30), 8)
  const tidy = heapTrend(await ofThisProcess(0, 30), 8)

  assert.ok(leaking.growth > 0.05, `grew by ${leaking.growth}`)
  assert.ok(Math.abs(tidy.growth) < 0.05, `grew by ${tidy.growth}`)
})

const at = (bytes: readonly number[]): HeapReading[] => bytes.map((heapBytes, atMs) => ({ atMs, heapBytes }))

test('one reading that is far off changes nothing', () => {
  assert.equal(heapTrend(at([10, 90, 10, 10, 10, 10, 10, 90, 10]), 3).growth, 0)
})

test('a slow climb shows, however the readings jump', () => {
  const bytes = Array.from({ length: 60 }, (_, i) => 1000 + 2 * i + (i % 3) * 10)
  const { earlyBytes, lateBytes, growth } = heapTrend(at(bytes), 9)

  assert.deepEqual([earlyBytes, lateBytes], [1018, 1120])
  assert.equal(growth, 0.1002)
})

test('where a slow machine read seldom, three readings are a window', () => {
  const seldom = [10, 11, 12, 30, 31, 32].map((heapBytes, i) => ({ atMs: 1000 * i, heapBytes }))

  const { earlyBytes, lateBytes } = heapTrend(seldom, 50)

  assert.deepEqual([earlyBytes, lateBytes], [11, 31])
})

test('too few readings are no verdict', () => {
  assert.throws(() => heapTrend(at([1, 2]), 10), /2 heap readings are too few/)
  assert.throws(() => heapTrend([], 10), /0 heap readings/)
})
