import type { ProcessReading } from '../faults/process-reading.ts'
import type { HeapTrend } from './heap-trend.ts'

/** Growth of memory in use that counts as a leak. */
const MAX_GROWTH = 0.05

/** What comes and goes by itself, or shows up as descriptors and heap when it leaks. */
const PASSING = new Set(['Immediate', 'Timeout', 'FSReqCallback', 'FSReqPromise', 'CloseReq', 'TTYWrap'])

/** What a process kept: descriptors, handles and buffers between two readings at rest, heap between two windows at work. */
export function leaks(
  name: string,
  before: ProcessReading,
  after: ProcessReading,
  heap: HeapTrend
): string[] {
  const percent = (heap.growth * 100).toFixed(1)
  return [
    ...(heap.growth < MAX_GROWTH ? [] : [`${name}: the heap grew by ${percent} %`]),
    ...moreBuffers(name, before, after),
    ...moreFiles(name, before, after),
    ...moreHandles(name, before.handles, after.handles),
    ...after.strays.map(stray => `${name}: ${stray}`)
  ]
}

/** Descriptors that one reading at rest has more than the one before. */
export function moreFiles(name: string, before: ProcessReading, after: ProcessReading): string[] {
  return after.fds <= before.fds ? [] : [`${name}: ${before.fds} descriptors became ${after.fds}`]
}

/** Buffers outside the heap, between two readings at rest, as a share of all memory that was in use. */
function moreBuffers(name: string, before: ProcessReading, after: ProcessReading): string[] {
  const growth = (after.externalBytes - before.externalBytes) / (before.heapBytes + before.externalBytes)
  if (growth < MAX_GROWTH) return []
  return [`${name}: buffers grew from ${before.externalBytes} to ${after.externalBytes} bytes`]
}

function moreHandles(
  name: string,
  before: ProcessReading['handles'],
  after: ProcessReading['handles']
): string[] {
  return Object.entries(after)
    .filter(([kind, count]) => !PASSING.has(kind) && count > (before[kind] ?? 0))
    .map(([kind, count]) => `${name}: ${before[kind] ?? 0} ${kind} became ${count}`)
}
