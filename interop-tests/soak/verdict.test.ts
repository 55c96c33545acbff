import assert from 'node:assert/strict'
import test from 'node:test'
import type { ProcessReading } from '../faults/process-reading.ts'
import { leaks, moreFiles } from './verdict.ts'

const before: ProcessReading = {
  rssBytes: 90_000_000,
  heapBytes: 20_000_000,
  externalBytes: 5_000_000,
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
  ['node: buffers grew from 5000000 to 6250000 bytes', { externalBytes: 6_250_000 }],
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

test('does not tell buffers that grew by less than a twentieth of what is in use', () => {
  assert.deepEqual(leaks('node', before, { ...before, externalBytes: 6_249_999 }, FLAT), [])
})

test('tells one descriptor more than at the point of rest before', () => {
  assert.deepEqual(moreFiles('node', before, { ...before, fds: 22 }), ['node: 21 descriptors became 22'])
  assert.deepEqual(moreFiles('node', before, { ...before, fds: 20 }), [])
})
