import type { Level } from '../level.ts'
import type { Rows } from './group-writes.ts'
import { placeIn } from './keys.ts'
import type { Range } from './keys.ts'

/** Removed together, in one write: a few milliseconds for which others wait. */
export const REMOVED_AT_ONCE = 64
const KEYS_AT_ONCE = 1000

/** What a run of retention removes. */
export interface Cut {
  /** All up to this place, which it includes. */
  readonly upto: number
  /** All that came before this time. */
  readonly before?: string | undefined
  /** What came later, by a clock that was wrong then, does not end the search. */
  readonly now: string
}

export interface Removed {
  readonly items: number
  readonly bytes: number
}

export interface RemovedBatch extends Removed {
  /** Where the next batch begins; undefined where nothing is left to be removed. */
  readonly next: number | undefined
}

/** Writes rows in the same step as a batch is removed. */
export type WithBatch = (rows: Rows, removed: Removed) => void

/** Things in the order of their places, of which the oldest can be removed. */
export interface Shelved {
  /** The place up to which all is older than the newest `count`; 0 where there are no more. */
  newestFrom(count: number): Promise<number>
  /** Removes a batch of what lies beyond a place, durably; what has changed meanwhile stays. */
  removeOld(cut: Cut, after: number, withBatch: WithBatch): Promise<RemovedBatch>
}

/** @see Shelved.newestFrom */
export async function placeBelowNewest(level: Level, range: Range, count: number): Promise<number> {
  const keys = level.keys<string>({ ...range, reverse: true, limit: count + 1 })
  let [seen, last] = [0, '']
  try {
    for (;;) {
      const some = await keys.nextv(KEYS_AT_ONCE)
      if (some.length === 0) return seen > count ? placeIn(last) : 0
      seen += some.length
      last = some.at(-1)!
    }
  } finally {
    await keys.close()
  }
}

export interface Old<T> {
  readonly place: number
  readonly item: T
}

/**
 * The first of what lies beyond a place and a cut removes, with where to go on. `read` yields what stands at a place and when it
 * came; undefined for what cannot be read, which is passed over.
 */
export async function oldBeyond<T>(
  places: readonly number[],
  { upto, before, now }: Cut,
  read: (place: number) => Promise<{ readonly at: string; readonly item: T } | undefined>
): Promise<{ readonly old: readonly Old<T>[]; readonly next: number | undefined }> {
  const old: Old<T>[] = []
  for (const place of places) {
    if (place > upto && before === undefined) return { old, next: undefined }
    const found = await read(place)
    if (found === undefined) continue
    const { at, item } = found
    if (place <= upto || (before !== undefined && at < before)) old.push({ place, item })
    else if (at <= now) return { old, next: undefined }
  }
  return { old, next: places.length < REMOVED_AT_ONCE ? undefined : places.at(-1) }
}
