interface Counter {
  count: number
  /** What it may be too high by. */
  error: number
}

/** A key with how often it came: at least `atLeast`, at most `count` times. */
export interface Busy {
  readonly key: string
  readonly count: number
  readonly atLeast: number
}

/**
 * The keys that come most often, in memory that does not grow: `capacity` counters, where a new key takes over the smallest
 * (Space-Saving, Metwally et al. 2005). After N keys each count is too high by at most N / capacity and never too low, and
 * every key that came more than N / capacity times is there, whatever was sent to push it out.
 */
export class SpaceSaving {
  readonly #capacity: number
  readonly #counters = new Map<string, Counter>()
  /** The keys of each count. */
  readonly #byCount = new Map<number, Set<string>>()
  /** The lowest count that a key has. */
  #lowest = 0
  #total = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#counters.size
  }

  /** Keys in all, each as often as it came. */
  get total(): number {
    return this.#total
  }

  /** In constant time, whatever the key is. */
  add(key: string): void {
    this.#total++
    const known = this.#counters.get(key)
    if (known !== undefined) return this.#raise(key, known)
    if (this.#counters.size < this.#capacity) {
      this.#counters.set(key, { count: 1, error: 0 })
      this.#lowest = 1
      this.#keysOf(1).add(key)
      return
    }
    const smallest = this.#keysOf(this.#lowest).values().next().value!
    const counter = { count: this.#lowest, error: this.#lowest }
    this.#counters.delete(smallest)
    this.#counters.set(key, counter)
    const keys = this.#keysOf(this.#lowest)
    keys.delete(smallest)
    keys.add(key)
    this.#raise(key, counter)
  }

  /** The busiest, the most often first; of equals the one that is surer. */
  top(count: number): readonly Busy[] {
    return Array.from(this.#counters, ([key, { count: most, error }]) => ({
      key,
      count: most,
      atLeast: most - error
    }))
      .toSorted((a, b) => b.count - a.count || b.atLeast - a.atLeast)
      .slice(0, count)
  }

  #raise(key: string, counter: Counter): void {
    const keys = this.#keysOf(counter.count)
    keys.delete(key)
    if (keys.size === 0) {
      this.#byCount.delete(counter.count)
      // The key itself has the next count, so no other can be lower.
      if (this.#lowest === counter.count) this.#lowest++
    }
    counter.count++
    this.#keysOf(counter.count).add(key)
  }

  #keysOf(count: number): Set<string> {
    const known = this.#byCount.get(count)
    if (known !== undefined) return known
    const keys = new Set<string>()
    this.#byCount.set(count, keys)
    return keys
  }
}
