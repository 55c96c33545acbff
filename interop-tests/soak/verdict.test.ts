import assert from 'node:assert/strict'
import test from 'node:test'
import type { ProcessReading } from '../faults/process-reading.ts'
import { lateness, leaks } from './verdict.ts'

const before: ProcessReading = {
  rssBytes: 90_000_000,
  heapBytes: 20_000_000,
  fds: 21,
  handles: { TCPServerWrap: 1, Timeout: 2 },
  strays: []
}

const trend = (growth: number) => ({ earlyBytes: 20_000_000, lateBytes: 20_000_000 * (1 + growth), growth })
const FLAT = trend(0.049)

test('finds nothing where nothing was kept', () => {
  assert.deepEqual(leaks('node', before, { ...before, rssBytes: 120_000_000 }, FLAT), [])
})

const KEPT: readonly (readonly [string, Partial<ProcessReading>])[] = [
  ['node: 21 descriptors became 22', { fds: 22 }],
  ['node: 0 TCPSocketWrap became 3', { handles: { ...before.handles, TCPSocketWrap: 3 } }],
  ['node: unhandled rejection: x', { strays: ['unhandled rejection: x'] }]
]

for (const [leak, reading] of KEPT) {
  test(`tells: ${leak}`, () =>
    assert.deepEqual(leaks('node', before, { ...before, ...reading }, FLAT), [leak]))
}

test('does not count timers, which come and go', () => {
  assert.deepEqual(leaks('node', before, { ...before, handles: { ...before.handles, Timeout: 9 } }, FLAT), [])
})

test('tells a heap that grew by a twentieth', () => {
  assert.deepEqual(leaks('node', before, before, trend(0.05)), ['node: the heap grew by 5.0 %'])
})

test('lets one cycle of a thousand be late, and one of a short run', () => {
  assert.deepEqual(lateness(1, 10), [])
  assert.deepEqual(lateness(3, 3999), [])
  assert.deepEqual(lateness(4, 3999), ['4 of 3999 cycles missed a deadline, at most 3 may'])
  assert.deepEqual(lateness(2, 10), ['2 of 10 cycles missed a deadline, at most 1 may'])
})
