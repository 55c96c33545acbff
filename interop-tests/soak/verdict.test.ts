import assert from 'node:assert/strict'
import test from 'node:test'
import type { ProcessReading } from '../faults/process-reading.ts'
import { growthBetween, leaks } from './verdict.ts'

const before: ProcessReading = {
  rssBytes: 90_000_000,
  heapBytes: 20_000_000,
  fds: 21,
  handles: { TCPServerWrap: 1, Timeout: 2 },
  strays: []
}

test('finds nothing where nothing was kept', () => {
  assert.deepEqual(leaks('node', before, { ...before, heapBytes: 20_900_000, rssBytes: 120_000_000 }), [])
})

const KEPT: readonly (readonly [string, Partial<ProcessReading>])[] = [
  ['node: the heap grew by 5.0 %', { heapBytes: 21_000_000 }],
  ['node: 21 descriptors became 22', { fds: 22 }],
  ['node: 0 TCPSocketWrap became 3', { handles: { ...before.handles, TCPSocketWrap: 3 } }],
  ['node: unhandled rejection: x', { strays: ['unhandled rejection: x'] }]
]

for (const [leak, reading] of KEPT) {
  test(`tells: ${leak}`, () => assert.deepEqual(leaks('node', before, { ...before, ...reading }), [leak]))
}

test('does not count timers, which come and go', () => {
  assert.deepEqual(leaks('node', before, { ...before, handles: { ...before.handles, Timeout: 9 } }), [])
})

test('gives growth as a fraction', () => {
  assert.equal(growthBetween(before, { ...before, heapBytes: 20_500_000 }).heapGrowth, 0.025)
})
