import type { BlobFetch } from './blob-fetch.ts'

/** A share in a fetch; it goes on for as long as somebody has one. */
export interface Boarding extends Disposable {
  readonly fetch: Pick<BlobFetch, 'done' | 'plain' | 'report' | 'abort'>
  /** Whether the fetch was under way before. */
  readonly isShared: boolean
  /** Safe to call twice. */
  leave(): void
}

interface Flight {
  readonly fetch: Boarding['fetch']
  aboard: number
}

/** One fetch of a kind at a time, however many want the same: they share it, and the last one to leave ends it. */
export class Flights {
  readonly #flights = new Map<string, Flight>()

  /** Fetches that are under way. */
  get size(): number {
    return this.#flights.size
  }

  /** Joins the fetch that is under way for `key`, or begins one. */
  board(key: string, begin: () => Boarding['fetch']): Boarding {
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

  #begin(key: string, begin: () => Boarding['fetch']): Flight {
    const flight = { fetch: begin(), aboard: 0 }
    this.#flights.set(key, flight)
    const landed = (): void => this.#land(key, flight)
    void flight.fetch.done.then(landed, landed)
    return flight
  }

  #land(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
