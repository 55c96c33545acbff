import type { Level } from '../level.ts'
import type { Journal } from './journal.ts'
import { KIND, PREFIX, allOf } from './keys.ts'
import { addInto, none } from './tallies.ts'
import type { Numbers } from './tallies.ts'
import { Rows } from './topic-sums.ts'

export interface TenantSum {
  readonly name: string
  readonly numbers: Numbers
}

/** Adds up topics that come in the order of their names; yields a tenant when the next begins. */
export class TenantSums {
  #current: TenantSum | undefined

  add(name: string, numbers: Numbers): TenantSum | undefined {
    let ended: TenantSum | undefined
    if (this.#current?.name !== name) {
      ended = this.#current
      this.#current = { name, numbers: none() }
    }
    addInto(this.#current.numbers, numbers)
    return ended
  }

  end(): TenantSum | undefined {
    return this.#current
  }
}

/** The topics that have counts, in the order of their names. */
export class CountedNames {
  readonly #rows: Rows
  readonly #inJournal: string[]

  constructor(level: Level, deltas: Journal['deltas']) {
    this.#rows = new Rows(level, allOf(KIND.topicCounts))
    this.#inJournal = [...deltas.keys()].sort()
  }

  /** Tells those before a topic, which is passed over; with undefined, all that are left. */
  async before(name: string | undefined, tell: (name: string) => Promise<void>): Promise<void> {
    const inJournal = new Set<string>()
    while (this.#inJournal.length > 0 && (name === undefined || this.#inJournal[0]! <= name))
      inJournal.add(this.#inJournal.shift()!)
    for (let next = await this.#rows.peek(); next !== undefined; next = await this.#rows.peek()) {
      const counted = next[0].slice(PREFIX.length + 1)
      if (name !== undefined && counted > name) break
      this.#rows.take()
      inJournal.delete(counted)
      if (counted !== name) await tell(counted)
    }
    if (name !== undefined) inJournal.delete(name)
    for (const left of inJournal) await tell(left)
  }

  async close(): Promise<void> {
    await this.#rows.close()
  }
}
