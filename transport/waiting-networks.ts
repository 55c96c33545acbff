/** What a newcomer to a full queue comes to: it waits, or is refused, and who has to go for it. */
export type Queued<T> = { readonly ok: true; readonly displaced?: T } | { readonly ok: false }

export interface WaitingBounds {
  readonly maxWaiting: number
  /** Those of one network. */
  readonly maxOfNetwork: number
}

interface Waiting<T> {
  readonly one: T
  readonly since: number
}

/** So many in a row come from networks that go first, then one of the others. */
const FIRST_IN_A_ROW = 3
/** Networks whose last turn is remembered. */
const MAX_SERVED = 4096
/** Networks that are remembered as those of linked hubs, and for how long. */
const MAX_PROVEN = 1024
const PROVEN_MS = 24 * 3_600_000

/**
 * Who waits, by network: the next is of the network whose last turn is longest ago, so that none holds back another, and
 * one that comes for the first time waits for none that had its turn. Networks where a hub has proved itself lately go
 * first, yet leave every fourth turn to the rest. Keeps no clock and does no I/O.
 */
export class WaitingNetworks<T> {
  readonly #bounds: WaitingBounds
  readonly #first = new Map<string, Waiting<T>[]>()
  readonly #others = new Map<string, Waiting<T>[]>()
  readonly #proven = new Map<string, number>()
  readonly #turns = new Map<string, number>()
  #lastTurn = 0
  #size = 0
  #inARow = 0

  constructor(bounds: WaitingBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#size
  }

  /** A hub has proved itself from there, or had done so until now. Beyond 1,024 networks the oldest is forgotten. */
  prove(network: string, now: number): void {
    setNewest(this.#proven, [network, now], MAX_PROVEN)
  }

  isProven(network: string, now: number): boolean {
    const since = this.#proven.get(network)
    return since !== undefined && now - since < PROVEN_MS
  }

  /** Where all places are taken, the network with most of them gives its last one to one that has fewer. */
  add(one: T, network: string, now: number): Queued<T> {
    const isProven = this.isProven(network, now)
    const queues = isProven ? this.#first : this.#others
    const own = queues.get(network) ?? []
    if (own.length >= this.#bounds.maxOfNetwork) return { ok: false }
    let displaced: { readonly one: T } | undefined
    if (this.#size >= this.#bounds.maxWaiting) {
      displaced = this.#takeFromLongest(isProven ? own.length : own.length + 1)
      if (displaced === undefined) return { ok: false }
    }
    own.push({ one, since: now })
    queues.set(network, own)
    this.#size++
    return { ok: true, ...(displaced && { displaced: displaced.one }) }
  }

  /** Whether the next one is of a network that goes first; undefined while nobody waits. */
  get nextIsFirst(): boolean | undefined {
    if (this.#size === 0) return undefined
    if (this.#first.size === 0) return false
    return this.#others.size === 0 || this.#inARow < FIRST_IN_A_ROW
  }

  next(): T | undefined {
    const isFirst = this.nextIsFirst
    if (isFirst === undefined) return undefined
    this.#inARow = isFirst ? this.#inARow + 1 : 0
    const queues = isFirst ? this.#first : this.#others
    const [network, own] = this.#longestWithoutTurn(queues)
    const { one } = own.shift()!
    if (own.length === 0) queues.delete(network)
    this.#size--
    this.served(network)
    return one
  }

  /** To be told of one that had its turn without having waited. Beyond 4,096 networks the oldest turn is forgotten. */
  served(network: string): void {
    setNewest(this.#turns, [network, ++this.#lastTurn], MAX_SERVED)
  }

  #longestWithoutTurn(queues: Map<string, Waiting<T>[]>): [string, Waiting<T>[]] {
    let found: [string, Waiting<T>[]] | undefined
    let turn = Infinity
    for (const entry of queues) {
      const last = this.#turns.get(entry[0]) ?? 0
      if (last >= turn) continue
      found = entry
      turn = last
    }
    return found!
  }

  /** Takes out who has waited since `since` or longer. */
  takeOverdue(since: number): T[] {
    return this.#take(waiting => waiting.since <= since)
  }

  /** Takes one out that waits no more, wherever it is. */
  remove(one: T): void {
    this.#take(waiting => waiting.one === one)
  }

  #take(isTaken: (waiting: Waiting<T>) => boolean): T[] {
    const taken: T[] = []
    for (const queues of [this.#first, this.#others])
      for (const [network, own] of queues) {
        const left = own.filter(waiting => !isTaken(waiting))
        if (left.length === own.length) continue
        taken.push(...own.filter(isTaken).map(({ one }) => one))
        if (left.length > 0) queues.set(network, left)
        else queues.delete(network)
      }
    this.#size -= taken.length
    return taken
  }

  /** Of networks that do not go first, and only of one where more than `fewer` wait. */
  #takeFromLongest(fewer: number): { readonly one: T } | undefined {
    let longest: [string, Waiting<T>[]] | undefined
    for (const [network, own] of this.#others)
      if (own.length > (longest?.[1].length ?? fewer)) longest = [network, own]
    if (longest === undefined) return undefined
    const [network, own] = longest
    const last = own.pop()!
    if (own.length === 0) this.#others.delete(network)
    this.#size--
    return last
  }
}

function setNewest(map: Map<string, number>, [key, value]: readonly [string, number], most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= most) return
  const [oldest] = map.keys()
  map.delete(oldest!)
}
