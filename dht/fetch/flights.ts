/** Something that ends by itself, or when nobody wants it any more. */
export interface Flying {
  readonly done: Promise<unknown>
  abort(): void
}

/** A share in a fetch; it goes on for as long as somebody has one. */
export interface Boarding<F extends Flying> extends Disposable {
  readonly fetch: F
  /** Whether the fetch was under way before. */
  readonly isShared: boolean
  /** Safe to call twice. */
  leave(): void
}

interface Flight<F> {
  readonly fetch: F
  aboard: number
}

/** One fetch of a kind at a time, however many want the same: they share it, and the last one to leave ends it. */
export class Flights<F extends Flying> {
  readonly #flights = new Map<string, Flight<F>>()

  /** Fetches that are under way. */
  get size(): number {
    return this.#flights.size
  }

  /** Joins the fetch that is under way for `key`, or begins one. */
  board(key: string, begin: () => F): Boarding<F> {
    const underWay = this.#flights.get(key)
    const flight = underWay ?? this.#begin(key, begin)
    flight.aboard++
    let isAboard = true
    const leave = (): void => {
      if (!isAboard) return
      isAboard = false
      if (--flight.aboard > 0) return
      this.#land(key, flight)
      flight.fetch.abort()
    }
    return { fetch: flight.fetch, isShared: underWay !== undefined, leave, [Symbol.dispose]: leave }
  }

  #begin(key: string, begin: () => F): Flight<F> {
    const flight = { fetch: begin(), aboard: 0 }
    this.#flights.set(key, flight)
    const landed = (): void => this.#land(key, flight)
    void flight.fetch.done.then(landed, landed)
    return flight
  }

  #land(key: string, flight: Flight<F>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
