interface Due {
  readonly ms: number
  readonly turn: number
  /** Undefined once nobody waits for it. */
  run: (() => void) | undefined
}

/** Turns of the event loop after which all that one event set off waits for another: a store takes one to write. */
const TURNS = 3

/**
 * The time of a simulation: nothing passes but what is due, in the order of its time and then of its asking. Between two
 * events all that the first one set off has come to rest, so that a run depends on nothing of the machine.
 */
export class VirtualTime {
  /** Milliseconds since the beginning. */
  ms = 0
  events = 0
  readonly #heap: Due[] = []
  #turn = 0
  #failure: { readonly error: unknown } | undefined

  /** Calls `run` when so many milliseconds have passed, unless what it gives is called before. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { ms: this.ms + Math.max(0, Math.round(ms)), turn: this.#turn++, run }
    let at = this.#heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(due, this.#heap[parent]!)) break
      this.#heap[at] = this.#heap[parent]!
      at = parent
    }
    this.#heap[at] = due
    return () => {
      due.run = undefined
    }
  }

  /** Has work go on that nobody waits for: what it throws ends the simulation. */
  go(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  /** Lets time pass, no further than `isOver` says. Rejects with what an event threw. */
  async until(ms: number, isOver = (): boolean => false): Promise<void> {
    await this.#rest()
    for (let next = this.#heap[0]; next !== undefined && next.ms <= ms; next = this.#heap[0]) {
      this.#removeFirst()
      if (next.run === undefined) continue
      this.ms = next.ms
      this.events++
      next.run()
      await this.#rest()
      if (isOver()) return
    }
    this.ms = ms
  }

  async #rest(): Promise<void> {
    for (let n = 0; n < TURNS; n++) await new Promise(resolve => setImmediate(resolve))
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!
    const { length } = this.#heap
    if (length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++
      if (!isBefore(this.#heap[child]!, last)) break
      this.#heap[at] = this.#heap[child]!
      at = child
    }
    this.#heap[at] = last
  }
}

const isBefore = (one: Due, other: Due): boolean =>
  one.ms < other.ms || (one.ms === other.ms && one.turn < other.turn)
