import type { CorrId } from './frame.ts'

const SLOTS = 64

/**
 * The open calls of a session by their ids. Ids that count upwards find a slot of their own, so that opening and
 * ending a call allocates nothing; ids that share a slot fall back to a map.
 */
export class CallTable<C extends { readonly corr: CorrId }> implements Iterable<C> {
  readonly #slots: (C | undefined)[] = []
  #others: Map<CorrId, C> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get(corr: CorrId): C | undefined {
    const found = this.#slots[slotOf(corr)]
    return found?.corr === corr ? found : this.#others?.get(corr)
  }

  /** Adds a call whose id is not in the table. */
  add(call: C): void {
    const slot = slotOf(call.corr)
    if (this.#slots[slot] === undefined) this.#slots[slot] = call
    else (this.#others ??= new Map()).set(call.corr, call)
    this.#size++
  }

  delete(corr: CorrId): boolean {
    const slot = slotOf(corr)
    const isHere = this.#slots[slot]?.corr === corr
    if (isHere) this.#slots[slot] = undefined
    else if (this.#others?.delete(corr) !== true) return false
    this.#size--
    return true
  }

  /** The calls of the moment; the table may change while they are gone through. */
  [Symbol.iterator](): Iterator<C> {
    const inSlots = this.#slots.filter(call => call !== undefined)
    return [...inSlots, ...(this.#others?.values() ?? [])][Symbol.iterator]()
  }
}

const slotOf = (corr: CorrId): number =>
  typeof corr === 'number' ? corr % SLOTS : Number(corr % BigInt(SLOTS))
