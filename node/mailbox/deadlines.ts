/** Something that is due at a time, unless it has come to be due at another since, or not at all. */
export interface Due {
  /** Ms of one clock, whichever. */
  readonly deadlineMs: number
}

interface Entry<T> {
  readonly at: number
  readonly item: T
}

/**
 * Items by their deadline. An item that was moved is added again; what its earlier deadline names is passed over, and what was
 * added twice with one deadline counts once.
 */
export class Deadlines<T extends Due> {
  #heap: Entry<T>[] = []
  readonly #isLive: (item: T) => boolean

  /** `isLive` says whether an item still waits for its deadline. */
  constructor(isLive: (item: T) => boolean) {
    this.#isLive = isLive
  }

  /** How many deadlines are held, those that are passed over included. */
  get size(): number {
    return this.#heap.length
  }

  add(item: T): void {
    this.#heap.push({ at: item.deadlineMs, item })
    this.#up(this.#heap.length - 1)
  }

  /** Forgets what no longer waits, when that is most of what is held. */
  compact(live: number): void {
    if (this.#heap.length < 2 * live + 64) return
    const kept = new Map<T, Entry<T>>()
    for (const entry of this.#heap) if (this.#waits(entry)) kept.set(entry.item, entry)
    this.#heap = [...kept.values()].sort((a, b) => a.at - b.at)
  }

  /** Takes out up to `limit` items whose deadline has come, the longest overdue first. */
  passed(now: number, limit: number): T[] {
    const found = new Set<T>()
    while (found.size < limit && this.#heap.length > 0 && this.#heap[0]!.at <= now) {
      const entry = this.#pop()
      if (this.#waits(entry)) found.add(entry.item)
    }
    return [...found]
  }

  #waits({ at, item }: Entry<T>): boolean {
    return item.deadlineMs === at && this.#isLive(item)
  }

  #pop(): Entry<T> {
    const [first] = this.#heap
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#down(0)
    }
    return first!
  }

  #up(from: number): void {
    const heap = this.#heap
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.at <= heap[at]!.at) return
      ;[heap[parent], heap[at]] = [heap[at]!, heap[parent]!]
      at = parent
    }
  }

  #down(from: number): void {
    const heap = this.#heap
    let at = from
    for (;;) {
      const left = 2 * at + 1
      if (left >= heap.length) return
      const right = left + 1
      const least = right < heap.length && heap[right]!.at < heap[left]!.at ? right : left
      if (heap[at]!.at <= heap[least]!.at) return
      ;[heap[least], heap[at]] = [heap[at]!, heap[least]!]
      at = least
    }
  }
}
