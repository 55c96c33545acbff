import { createHmac } from 'node:crypto'
import { sourceOf } from './addresses.ts'
import { SpaceSaving } from './space-saving.ts'
import type { Busy } from './space-saving.ts'

/** What may become of what is posted. */
export const DECISIONS = ['queued', 'accepted', 'quarantined', 'rejected', 'refused'] as const
export type Decision = (typeof DECISIONS)[number]

/** Counts of what is no registered type stand here. */
export const OTHER_TYPE = 'other'
/** Types that are counted by name. */
export const MAX_TYPES = 200
/** Of each of senders, threads and sources that are told. */
export const BUSIEST = 50
/** Counters of each: a sender of a thousandth of what comes is never missed. */
const COUNTERS = 1024
const WINDOW_MS = 3_600_000
/** Longer names are cut off: no envelope has them. */
const MAX_KEY = 256
const HASH_CHARACTERS = 32

export interface SpamSightOptions {
  /** Types that the hub knows, of which the first 200 are counted by name. */
  readonly types: readonly string[]
  /** Sources are known by their HMAC under it alone: 32 random bytes, kept nowhere, so that a restart gives them other names. */
  readonly key: Uint8Array
  /** Milliseconds. */
  readonly now: number
}

/** Something that was posted. */
export interface Posted {
  readonly type: string
  readonly decision: Decision
  readonly from?: string | undefined
  readonly thread?: string | undefined
  /** An address as `parseIp` gives it. */
  readonly ip: string
}

export interface TypeCount {
  readonly type: string
  readonly decision: Decision
  readonly count: number
}

/** The busiest since `fromMs`; the counts of what came in all bound what they may be too high by: `total / counters`. */
export interface Window {
  readonly fromMs: number
  readonly total: number
  readonly counters: number
  readonly senders: readonly Busy[]
  readonly threads: readonly Busy[]
  readonly sources: readonly Busy[]
}

/**
 * Who writes what: counts by type and decision, and the busiest senders, threads and sources of this hour and the one before.
 * In memory, bounded by 3 x 2 x 1024 counters and 201 types whatever is posted; a restart begins anew.
 */
export class SpamSight {
  readonly #key: Uint8Array
  readonly #counts: ReadonlyMap<string, Map<Decision, number>>
  #present: Hour
  #before: Hour | undefined

  constructor({ types, key, now }: SpamSightOptions) {
    this.#key = key
    this.#counts = new Map([...types.slice(0, MAX_TYPES), OTHER_TYPE].map(type => [type, new Map()]))
    this.#present = hourFrom(now)
  }

  /** The names by which types are counted. */
  get types(): readonly string[] {
    return [...this.#counts.keys()]
  }

  note({ type, decision, from, thread, ip }: Posted, now: number): void {
    this.#turn(now)
    const counts = this.#counts.get(type) ?? this.#counts.get(OTHER_TYPE)!
    counts.set(decision, (counts.get(decision) ?? 0) + 1)
    const { senders, threads, sources } = this.#present
    if (from !== undefined) senders.add(from.slice(0, MAX_KEY))
    if (thread !== undefined) threads.add(thread.slice(0, MAX_KEY))
    sources.add(createHmac('sha256', this.#key).update(sourceOf(ip)).digest('hex').slice(0, HASH_CHARACTERS))
  }

  /** Since the start; at most 201 types with 5 decisions. */
  counts(): readonly TypeCount[] {
    return [...this.#counts].flatMap(([type, counts]) =>
      Array.from(counts, ([decision, count]) => ({ type, decision, count }))
    )
  }

  /** This hour and, where something came in it, the one before. */
  windows(now: number): readonly Window[] {
    this.#turn(now)
    return [this.#present, ...(this.#before === undefined ? [] : [this.#before])].map(windowOf)
  }

  #turn(now: number): void {
    const passed = now - this.#present.fromMs
    if (passed < WINDOW_MS) return
    this.#before = passed < 2 * WINDOW_MS ? this.#present : undefined
    this.#present = hourFrom(now - (passed % WINDOW_MS))
  }
}

interface Hour {
  readonly fromMs: number
  readonly senders: SpaceSaving
  readonly threads: SpaceSaving
  readonly sources: SpaceSaving
}

const hourFrom = (fromMs: number): Hour => ({
  fromMs,
  senders: new SpaceSaving(COUNTERS),
  threads: new SpaceSaving(COUNTERS),
  sources: new SpaceSaving(COUNTERS)
})

const windowOf = ({ fromMs, senders, threads, sources }: Hour): Window => ({
  fromMs,
  total: sources.total,
  counters: COUNTERS,
  senders: senders.top(BUSIEST),
  threads: threads.top(BUSIEST),
  sources: sources.top(BUSIEST)
})
