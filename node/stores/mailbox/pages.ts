import type { AttemptLog } from './attempt-log.ts'
import type { Batch } from './batch.ts'
import type { Level } from '../level.ts'
import {
  KIND,
  allOf,
  messageKey,
  messagesOf,
  nameOf,
  parseTimer,
  placeIn,
  sortable,
  timerKey,
  topicName
} from './keys.ts'
import type { Range } from './keys.ts'
import { countedBytes, liveRow } from './live-rows.ts'
import type { LiveRows } from './live-rows.ts'
import { decodeRecord } from './record.ts'
import type { Record } from './record.ts'
import type { Due, Place, Reading, State, Topic } from './types.ts'

const MAX_LIMIT = 1024
const PAGE_BYTES = 1024 * 1024
/** What one look at the rows may read, so that a stretch of damaged ones is not gone through in one go. */
const FIRST_READ_BYTES = 16 * 1024

export interface PageParts {
  readonly level: Level
  readonly live: LiveRows
  readonly attempts: AttemptLog
  /** What is composed and not yet written, the newest first: a look at the rows does not see it. */
  readonly pending: () => readonly (Batch | undefined)[]
  /** For a row that cannot be read; it counts as not there. */
  readonly setAside: (key: string, state: State, place: Place, bytes: Uint8Array, detail: string) => void
}

export interface PageRow {
  readonly key: string
  readonly place: Place
  readonly record: Record
  readonly bytes: number
}

/** Rows of one state in their order, as far as limit and bytes allow. */
export async function readPage(
  parts: PageParts,
  topic: Topic,
  state: 'ready' | 'dead',
  { priority, after, limit, maxBytes = PAGE_BYTES }: Reading
): Promise<readonly PageRow[]> {
  checkLimit(limit)
  const name = topicName(topic)
  const all = messagesOf(state, name, state === 'ready' ? priority : undefined)
  const start = messagesOf(state, name).gte.length
  const range =
    after === undefined ? all : { gt: messageKey(state, name, after.priority, after.id), lt: all.lt }
  const reader = parts.live.begin()
  const pending = parts.pending()
  const highWaterMarkBytes = Math.min(Math.max(maxBytes, FIRST_READ_BYTES), PAGE_BYTES)
  const options = { ...range, highWaterMarkBytes }
  const rows = parts.level.iterator<string, Uint8Array>(options)
  const page: PageRow[] = []
  let bytes = 0
  try {
    for (;;) {
      const read = await rows.nextv(limit - page.length)
      if (read.length === 0) return page
      for (const [key, written] of read) {
        const value = newest(pending, key, written)
        if (value === undefined || reader.has(key)) continue
        const found = parse(parts, placeIn(topic, key, start), state, key, value)
        if (found === undefined) continue
        bytes += value.length
        if (page.length > 0 && bytes > maxBytes) return page
        // What is known already is so with all that was composed since.
        if (state === 'ready') parts.live.add(key, parts.live.get(key) ?? liveRow(found.record, value))
        page.push(found)
      }
      if (page.length >= limit) return page
    }
  } finally {
    parts.live.end(reader)
    await rows.close()
  }
}

/** A row as the batches will leave it that were under way when the reading began; undefined for one that they take away. */
function newest(
  pending: ReturnType<PageParts['pending']>,
  key: string,
  written: Uint8Array
): Uint8Array | undefined {
  for (const batch of pending) if (batch?.has(key) === true) return batch.get(key)
  return written
}

function parse(
  parts: PageParts,
  found: Place | undefined,
  state: State,
  key: string,
  value: Uint8Array
): PageRow | undefined {
  if (found === undefined) return undefined
  const record = decodeRecord(key, value)
  if (typeof record === 'string') {
    parts.setAside(key, state, found, value, record)
    return undefined
  }
  const place = { ...found, priority: record.priority }
  const attempts = parts.attempts.get(key) ?? record.attempts
  const asNoted = attempts === record.attempts ? record : { ...record, attempts }
  return { key, place, record: asNoted, bytes: countedBytes(record, value) }
}

export async function readDue(
  level: Level,
  nowMs: number,
  limit: number,
  after?: Due
): Promise<readonly Due[]> {
  checkLimit(limit)
  const due: Due[] = []
  const { gte, lt } = timers(nowMs)
  const range = after === undefined ? { gte, lt } : { gt: keyOf(after), lt }
  const keys = await level.keys({ ...range, limit }).all()
  for (const key of keys) {
    const timer = parseTimer(key)
    if (timer !== undefined && timer.atMs <= nowMs) due.push(timer)
  }
  return due
}

export async function nextDue(level: Level, afterMs?: number): Promise<number | undefined> {
  const { gte, lt } = allOf(KIND.timer)
  const from = afterMs === undefined ? gte : timers(afterMs).lt
  const [key] = await level.keys({ gte: from, lt, limit: 1 }).all()
  return key === undefined ? undefined : parseTimer(key)?.atMs
}

const keyOf = ({ atMs, what, state, place }: Due): string => timerKey(atMs, what, state, place, nameOf(place))

const timers = (nowMs: number): Range => ({
  gte: allOf(KIND.timer).gte,
  lt: allOf(KIND.timer, sortable(nowMs + 1)).gte
})

export function checkLimit(limit: number): void {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT))
    throw new RangeError(`limit: 1 to ${MAX_LIMIT}`)
}
