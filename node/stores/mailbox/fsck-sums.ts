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

  /** Tells those before a topic, in their order; it is passed over. With undefined, all that are left. */
  async before(name: string | undefined, tell: (name: string) => Promise<void>): Promise<void> {
    for (;;) {
      const counted = (await this.#rows.peek())?.[0].slice(PREFIX.length + 1)
      const inJournal = this.#inJournal[0]
      const next = [counted, inJournal].filter(found => found !== undefined).sort(byText)[0]
      if (next === undefined || (name !== undefined && next > name)) return
      if (counted === next) this.#rows.take()
      if (inJournal === next) this.#inJournal.shift()
      if (next !== name) await tell(next)
    }
  }

  async close(): Promise<void> {
    await this.#rows.close()
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1)
