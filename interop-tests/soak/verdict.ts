import type { ProcessReading } from '../faults/process-reading.ts'

/** Growth of the collected heap that counts as a leak. */
export const MAX_HEAP_GROWTH = 0.05

/** What comes and goes by itself, or shows up as descriptors and heap when it leaks. */
const PASSING = new Set(['Immediate', 'Timeout', 'FSReqCallback', 'FSReqPromise', 'CloseReq', 'TTYWrap'])

export interface Growth {
  readonly heapBytes: readonly [before: number, after: number]
  /** 0.01 is one percent. */
  readonly heapGrowth: number
  readonly rssBytes: readonly [before: number, after: number]
  readonly fds: readonly [before: number, after: number]
}

export const growthBetween = (before: ProcessReading, after: ProcessReading): Growth => ({
  heapBytes: [before.heapBytes, after.heapBytes],
  heapGrowth: Math.round((after.heapBytes / before.heapBytes - 1) * 10_000) / 10_000,
  rssBytes: [before.rssBytes, after.rssBytes],
  fds: [before.fds, after.fds]
})

/** What a process kept between two readings at rest, both with garbage collected. */
export function leaks(name: string, before: ProcessReading, after: ProcessReading): string[] {
  const { heapGrowth } = growthBetween(before, after)
  const percent = (heapGrowth * 100).toFixed(1)
  return [
    ...(heapGrowth < MAX_HEAP_GROWTH ? [] : [`${name}: the heap grew by ${percent} %`]),
    ...(after.fds <= before.fds ? [] : [`${name}: ${before.fds} descriptors became ${after.fds}`]),
    ...moreHandles(name, before.handles, after.handles),
    ...after.strays.map(stray => `${name}: ${stray}`)
  ]
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
