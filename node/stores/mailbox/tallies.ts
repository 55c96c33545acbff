import type { Level } from '../level.ts'
import { KIND, allOf, row } from './keys.ts'
import { sealedJson, unseal, unsealJson } from './seal.ts'
import type { Counts, State } from './types.ts'

/**
 * What is counted: ready messages of the priorities 0 to 9 and their bytes, then messages and bytes of the delayed and of
 * the dead.
 */
export type Numbers = number[]

export const WIDTH = 15
const READY_BYTES = 10
const FIRST: Readonly<Record<State, number>> = { ready: 0, delayed: 11, dead: 13 }

export const none = (): Numbers => Array.from({ length: WIDTH }, () => 0)

/** One message more, or with `sign` -1 one less. */
export function count(into: Numbers, state: State, priority: number, bytes: number, sign: 1 | -1): void {
  const at = FIRST[state] + (state === 'ready' ? priority : 0)
  const bytesAt = state === 'ready' ? READY_BYTES : at + 1
  into[at] = into[at]! + sign
  into[bytesAt] = into[bytesAt]! + sign * bytes
}

export function addInto(into: Numbers, delta: readonly number[]): void {
  for (let i = 0; i < WIDTH; i++) into[i] = into[i]! + delta[i]!
}

export const areNone = (numbers: readonly number[]): boolean => numbers.every(value => value === 0)

export function countsOf(numbers: readonly number[]): Counts {
  let messages = 0
  for (let priority = 0; priority < READY_BYTES; priority++) messages += numbers[priority]!
  const ready = { messages, bytes: numbers[READY_BYTES]! }
  const pair = (at: number) => ({ messages: numbers[at]!, bytes: numbers[at + 1]! })
  return { ready, delayed: pair(FIRST.delayed), dead: pair(FIRST.dead) }
}

/** Ready and delayed messages. */
export function depthOf(numbers: readonly number[]): number {
  let depth = numbers[FIRST.delayed]!
  for (let priority = 0; priority < READY_BYTES; priority++) depth += numbers[priority]!
  return depth
}

/** Of all messages, whatever their state. */
export const bytesOf = (numbers: readonly number[]): number =>
  numbers[READY_BYTES]! + numbers[FIRST.delayed + 1]! + numbers[FIRST.dead + 1]!

export const byPriority = (numbers: readonly number[]): number[] => numbers.slice(0, READY_BYTES)

/** The counts of one topic or tenant, with all that was composed so far. */
export interface Tally {
  readonly name: string
  readonly numbers: Numbers
  /** Differs from its row. */
  isDirty: boolean
}

export type TallyKind = typeof KIND.topicCounts | typeof KIND.tenantCounts

/** What a row of counts says cannot be known; they are taken anew when the store is opened. */
export class DamagedCounts extends Error {
  override readonly name = 'DamagedCounts'
}

function readNumbers(key: string, bytes: Uint8Array): Numbers {
  const numbers = unsealJson<Numbers>(key, bytes)
  if (numbers === undefined) throw new DamagedCounts('the counts of a topic or tenant are damaged')
  return numbers
}

/** The keys of the rows of counts that cannot be read. */
export async function damagedCounts(level: Level): Promise<readonly string[]> {
  const damaged: string[] = []
  for (const kind of [KIND.topicCounts, KIND.tenantCounts]) {
    const rows = level.iterator<string, Uint8Array>(allOf(kind))
    try {
      for (;;) {
        const some = await rows.nextv(ROWS_AT_ONCE)
        if (some.length === 0) break
        for (const [key, bytes] of some) if (typeof unseal(key, bytes) === 'string') damaged.push(key)
      }
    } finally {
      await rows.close()
    }
  }
  return damaged
}

/** How many are kept in memory beside those that differ from their rows. */
const MOST_CLEAN = 4096
const ROWS_AT_ONCE = 1000

/** Counts by name, read when asked for. Those that are as in their rows may be forgotten at any time. */
export class Tallies {
  readonly kind: TallyKind
  readonly #level: Level
  #known = new Map<string, Tally>()
  #dirty = 0
  #isWriting = false

  constructor(level: Level, kind: TallyKind) {
    this.#level = level
    this.kind = kind
  }

  get dirty(): number {
    return this.#dirty
  }

  get(name: string): Tally {
    let tally = this.#known.get(name)
    if (tally === undefined) {
      if (this.#known.size >= MOST_CLEAN + this.#dirty && !this.#isWriting) this.#forgetOlder()
      tally = { name, numbers: this.#read(name), isDirty: false }
      this.#known.set(name, tally)
    }
    return tally
  }

  add(tally: Tally, delta: readonly number[]): void {
    addInto(tally.numbers, delta)
    this.soil(tally)
  }

  soil(tally: Tally): void {
    if (tally.isDirty) return
    tally.isDirty = true
    this.#dirty++
  }

  /** Those that differ from their rows, to be written now; none is forgotten before `written`. */
  write(): Tally[] {
    const all = [...this.#known.values()].filter(tally => tally.isDirty)
    for (const tally of all) tally.isDirty = false
    this.#dirty = 0
    this.#isWriting = true
    return all
  }

  written(): void {
    this.#isWriting = false
  }

  /** By name, those that differ from their rows or may soon. */
  *inMemory(): Iterable<Tally> {
    yield* this.#known.values()
  }

  /** @throws DamagedCounts */
  #read(name: string): Numbers {
    const key = row(this.kind, name)
    const bytes = this.#level.getSync(key)
    return bytes === undefined ? none() : readNumbers(key, bytes)
  }

  /** Many at once, since a map whose first entries are deleted one by one gets slow. */
  #forgetOlder(): void {
    let left = MOST_CLEAN / 2
    const kept: Tally[] = []
    for (const tally of this.#known.values()) {
      if (tally.isDirty || left === 0) kept.push(tally)
      else left--
    }
    this.#known = new Map(kept.map(tally => [tally.name, tally]))
  }
}

/** The row of a tally; undefined where all counts are 0 and there is to be none. */
export function tallyRow(kind: TallyKind, { name, numbers }: Tally): { key: string; value?: Buffer } {
  const key = row(kind, name)
  return areNone(numbers) ? { key } : { key, value: sealedJson(key, numbers) }
}
