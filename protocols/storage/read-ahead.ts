/** One reader's part of the room. Disposing gives back what it holds. */
export interface ReadAheadPlace extends Disposable {
  /** Its reader asks for the next bytes. */
  came(): void
  /** Takes room for a leaf; false where there is none. */
  take(bytes: number): boolean
  /** Gives room back. */
  give(bytes: number): void
}

/** Forgets the leaf that is due last and yields its bytes; 0 where there is none. */
export type DropLast = () => number

/**
 * Room for leaves that are read before they are due, shared by all readers of a node. Where it is full, a reader that has
 * come twice since another came takes that one's room: what is read ahead goes to whoever waits for it, and a hundred slow
 * readers hold no more than one. Readers of the same pace take nothing from each other.
 */
export class ReadAhead {
  readonly bytes: number
  /** Those that hold room, in the order in which they came last. */
  readonly #holders = new Set<Place>()
  #held = 0
  #turn = 0

  constructor(bytes: number) {
    this.bytes = bytes
  }

  /** Bytes of leaves that are read, or being read, and not due. */
  get heldBytes(): number {
    return this.#held
  }

  /** A place for one reader; `drop` is called while others ask for room. */
  place(drop: DropLast): ReadAheadPlace {
    return new Place(drop, {
      turn: () => ++this.#turn,
      take: (place, bytes) => this.#take(place, bytes),
      gave: (place, bytes) => this.#gave(place, bytes),
      came: place => {
        if (this.#holders.delete(place)) this.#holders.add(place)
      }
    })
  }

  #take(place: Place, bytes: number): boolean {
    if (bytes > this.bytes) return false
    while (this.#held + bytes > this.bytes) if (!this.#makesRoom(place)) return false
    this.#held += bytes
    this.#holders.add(place)
    return true
  }

  #makesRoom({ before }: Place): boolean {
    const [slowest] = this.#holders
    if (slowest === undefined || slowest.last >= before) return false
    slowest.dropLast()
    return true
  }

  #gave(place: Place, bytes: number): void {
    this.#held -= bytes
    if (place.held === 0) this.#holders.delete(place)
  }
}

interface Shared {
  readonly turn: () => number
  readonly take: (place: Place, bytes: number) => boolean
  readonly gave: (place: Place, bytes: number) => void
  readonly came: (place: Place) => void
}

class Place implements ReadAheadPlace {
  readonly #drop: DropLast
  readonly #shared: Shared
  /** Its last two turns. */
  last = 0
  before = 0
  held = 0

  constructor(drop: DropLast, shared: Shared) {
    this.#drop = drop
    this.#shared = shared
  }

  came(): void {
    this.before = this.last
    this.last = this.#shared.turn()
    this.#shared.came(this)
  }

  take(bytes: number): boolean {
    if (!this.#shared.take(this, bytes)) return false
    this.held += bytes
    return true
  }

  give(bytes: number): void {
    this.held -= bytes
    this.#shared.gave(this, bytes)
  }

  /** Gives up one leaf, or all where it knows of none. */
  dropLast(): void {
    this.give(this.#drop() || this.held)
  }

  [Symbol.dispose](): void {
    if (this.held > 0) this.give(this.held)
  }
}
