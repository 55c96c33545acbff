import type { ProcessReading } from '../faults/process-reading.ts'
import type { HeapTrend } from './heap-trend.ts'

/** Growth of the collected heap that counts as a leak. */
export const MAX_HEAP_GROWTH = 0.05
/** Cycles that may miss a deadline: one in so many, and one in any run. */
const CYCLES_FOR_A_LATE_ONE = 1000

/** What comes and goes by itself, or shows up as descriptors and heap when it leaks. */
const PASSING = new Set(['Immediate', 'Timeout', 'FSReqCallback', 'FSReqPromise', 'CloseReq', 'TTYWrap'])

/** What a process kept: descriptors and handles between two readings at rest, heap between two windows at work. */
export function leaks(
  name: string,
  before: ProcessReading,
  after: ProcessReading,
  heap: HeapTrend
): string[] {
  const percent = (heap.growth * 100).toFixed(1)
  return [
    ...(heap.growth < MAX_HEAP_GROWTH ? [] : [`${name}: the heap grew by ${percent} %`]),
    ...(after.fds <= before.fds ? [] : [`${name}: ${before.fds} descriptors became ${after.fds}`]),
    ...moreHandles(name, before.handles, after.handles),
    ...after.strays.map(stray => `${name}: ${stray}`)
  ]
}

/** What to say where more cycles were late than a busy machine explains. */
export function lateness(late: number, cycles: number): string[] {
  const most = Math.max(1, Math.floor(cycles / CYCLES_FOR_A_LATE_ONE))
  return late <= most ? [] : [`${late} of ${cycles} cycles missed a deadline, at most ${most} may`]
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
