/** What quarantine holds of one origin at most. @see specs/federation-policy.md, section 6 */
export const QUARANTINE = {
  itemsPerOrigin: 1000,
  bytesPerOrigin: 64 * 1024 * 1024,
  /** Of all origins together; their bytes are the configuration's. */
  items: 16_000,
  keptMs: 14 * 24 * 3_600_000,
  /** So long it is known to be too old before it leaves: time to set a clock right. */
  graceMs: 3_600_000,
  /** When to ask again after it was full: room comes by an operator or by age. */
  retryMs: 60_000
} as const

export interface RoomBounds {
  readonly itemsPerOrigin: number
  readonly bytesPerOrigin: number
  readonly items: number
  readonly bytes: number
}

interface Sum {
  readonly items: number
  readonly bytes: number
}

/** How much there is of each origin, and of all. An origin of which there is nothing has no entry. */
export class Room {
  readonly #bounds: RoomBounds
  readonly #origins = new Map<string, Sum>()
  #items = 0
  #bytes = 0

  constructor(bounds: RoomBounds) {
    this.#bounds = bounds
  }

  get items(): number {
    return this.#items
  }

  get bytes(): number {
    return this.#bytes
  }

  has(origin: string, bytes: number): boolean {
    const of = this.#of(origin)
    const { itemsPerOrigin, bytesPerOrigin, items, bytes: most } = this.#bounds
    return (
      of.items < itemsPerOrigin &&
      of.bytes + bytes <= bytesPerOrigin &&
      this.#items < items &&
      this.#bytes + bytes <= most
    )
  }

  take(origin: string, bytes: number): void {
    this.#add(origin, 1, bytes)
  }

  give(origin: string, bytes: number): void {
    this.#add(origin, -1, -bytes)
  }

  #add(origin: string, items: number, bytes: number): void {
    const of = this.#of(origin)
    const sum = { items: of.items + items, bytes: of.bytes + bytes }
    if (sum.items === 0) this.#origins.delete(origin)
    else this.#origins.set(origin, sum)
    this.#items += items
    this.#bytes += bytes
  }

  #of(origin: string): Sum {
    return this.#origins.get(origin) ?? { items: 0, bytes: 0 }
  }
}
