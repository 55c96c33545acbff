/**
 * Things that come and go by the thousand a second, in no order. A `Set` makes a new table whenever it has shrunk or filled up, and
 * each old one points to the next: once the collector has moved one of them among what is old, all that follow it, with whatever
 * stood in them, live until it looks at everything. What has left this is held by nothing.
 */
export class Slots<T extends object> implements Iterable<T> {
  readonly #items: (T | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#items.length - this.#free.length
  }

  /** Yields what takes the item out again, which may be called once only. */
  add(item: T): () => void {
    const place = this.#free.pop() ?? this.#items.length
    this.#items[place] = item
    return () => {
      this.#items[place] = undefined
      this.#free.push(place)
    }
  }

  /** What leaves meanwhile is left out; what comes may be. */
  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.#items) if (item !== undefined) yield item
  }
}
