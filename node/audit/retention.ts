import type { KnownSegment } from './opening.ts'
import type { SegmentState } from './segment.ts'

/** What is kept; whichever bound comes first. The segment that is being written is always kept. */
export interface Retention {
  /** Entries older than this may go, by the time of the newest one in their segment. */
  readonly maxAgeMs?: number
  readonly maxEntries?: number
  readonly maxBytes?: number
}

/** The oldest sealed segments that a retention does not keep, in order. Nothing behind an unsealed one is among them. */
export function segmentsToPrune(
  segments: readonly KnownSegment[],
  open: Pick<SegmentState, 'entries' | 'bytes'> | undefined,
  { maxAgeMs = Infinity, maxEntries = Infinity, maxBytes = Infinity }: Retention,
  nowMs: number
): KnownSegment[] {
  const kept = segments.filter(({ state }) => state !== 'pruned')
  let entries = kept.reduce((sum, one) => sum + one.entries, open?.entries ?? 0)
  let bytes = kept.reduce((sum, one) => sum + one.bytes, open?.bytes ?? 0)
  const gone: KnownSegment[] = []
  for (const segment of kept) {
    const isOld = nowMs - segment.last_ts > maxAgeMs
    if (segment.state !== 'sealed' || !(isOld || entries > maxEntries || bytes > maxBytes)) break
    gone.push(segment)
    entries -= segment.entries
    bytes -= segment.bytes
  }
  return gone
}
