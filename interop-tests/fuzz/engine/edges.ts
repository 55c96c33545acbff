const SLOT = Symbol.for('omnigate.fuzz.edges')
const MAX_EDGES = 65_536

/** Which of eight ranges a count lies in, as a bit: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128 and more. */
export const bucket = (count: number): number => {
  if (count < 4) return count === 3 ? 4 : count
  if (count < 8) return 8
  if (count < 16) return 16
  if (count < 32) return 32
  return count < 128 ? 64 : 128
}

/** A branch, statement or function together with the range of how often it ran. */
export type Feature = number

/** The counters that instrumented modules raise: one for each branch, statement and function. */
export class Edges {
  readonly counts = new Uint32Array(MAX_EDGES)
  #size = 0

  /** The counters of this process, shared with the modules that were loaded before. */
  static shared(): Edges {
    const holder = globalThis as unknown as Record<symbol, Edges | undefined>
    return (holder[SLOT] ??= new Edges())
  }

  get size(): number {
    return this.#size
  }

  /** The first of `n` new counters. Throws RangeError when there are none left. */
  claim(n: number): number {
    const first = this.#size
    if (first + n > MAX_EDGES) throw new RangeError(`more than ${MAX_EDGES} edges: instrument less`)
    this.#size += n
    return first
  }

  clear(): void {
    this.counts.fill(0, 0, this.#size)
  }

  /** What ran since `clear`. */
  features(): Feature[] {
    const found: Feature[] = []
    for (let edge = 0; edge < this.#size; edge++) {
      const count = this.counts[edge]!
      if (count > 0) found.push((edge << 8) | bucket(count))
    }
    return found
  }
}

/** What inputs have reached so far. */
export class Reached {
  readonly #buckets = new Uint8Array(MAX_EDGES)
  edges = 0
  features = 0

  /** True when what ran since `clear` reaches something new; it is then known. */
  absorb(ran: Edges): boolean {
    let isNew = false
    for (let edge = 0; edge < ran.size; edge++) {
      const count = ran.counts[edge]!
      if (count === 0) continue
      const bit = bucket(count)
      const known = this.#buckets[edge]!
      if ((known & bit) !== 0) continue
      if (known === 0) this.edges++
      this.features++
      this.#buckets[edge] = known | bit
      isNew = true
    }
    return isNew
  }
}
