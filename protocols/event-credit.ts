/** Bytes of EVENT payloads that a subscription may have outstanding when it names no credit. */
export const INITIAL_CREDIT_BYTES = 65_536

/** Runs of outstanding events that are remembered; beyond it neighbours become one. */
const MOST_RUNS = 1024
/** A run that was joined holds no more than this part of the credit. */
const RUN_PART = 256

/** Neighbouring events, the smallest and the largest of which are known. */
interface Run {
  events: number
  bytes: number
  least: number
  most: number
}

/**
 * Explicit credit of a subscription: payload bytes of the EVENT frames after the `upTo`-th stay within `bytes`.
 * What it remembers is bounded, whatever credit it is given: beyond 1024 outstanding events neighbours are counted
 * together. When some of a run are dealt with, the rest counts for the most that it can weigh: what equal events weigh
 * is exact, others may leave a 256th of the credit unused, and nothing ever goes beyond it.
 * @see specs/oap-1.md, section 6.3
 */
export class Credit {
  #bytes: number
  #upTo = 0
  #sent = 0
  /** Oldest first, the first one from `upTo` on. */
  #runs: Run[] = []
  #outstandingBytes = 0
  #wake: (() => void) | undefined

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  get upTo(): number {
    return this.#upTo
  }

  /** Runs of events that are remembered. */
  get size(): number {
    return this.#runs.length
  }

  /**
   * True when an event of `bytes` may leave, once others of `before` bytes have left; an event larger than the credit passes
   * alone.
   */
  allows(bytes: number, before = 0): boolean {
    if (this.#bytes === 0) return false
    const isAlone = this.#runs.length === 0 && before === 0
    return isAlone || this.#outstandingBytes + before + bytes <= this.#bytes
  }

  sent(bytes: number): void {
    this.#sent++
    this.#outstandingBytes += bytes
    if (this.#runs.length >= MOST_RUNS) this.#join()
    this.#runs.push({ events: 1, bytes, least: bytes, most: bytes })
  }

  /** False when `upTo` goes back, or past what was sent. */
  grant(upTo: number, bytes: number): boolean {
    if (upTo < this.#upTo || upTo > this.#sent) return false
    this.#dealtWith(upTo - this.#upTo)
    this.#upTo = upTo
    this.#bytes = bytes
    this.wake()
    return true
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  changed(): Promise<void> {
    return new Promise(resolve => (this.#wake = resolve))
  }

  #dealtWith(events: number): void {
    let left = events
    let over = 0
    for (const run of this.#runs) {
      if (left < run.events) {
        this.#outstandingBytes -= shorten(run, left)
        break
      }
      left -= run.events
      this.#outstandingBytes -= run.bytes
      over++
    }
    if (over > 0) this.#runs.splice(0, over)
  }

  /** Leaves some 512 runs: any two neighbours hold more than their part of the credit, and all of them no more than it. */
  #join(): void {
    const most = this.#bytes / RUN_PART
    const joined: Run[] = []
    let last: Run | undefined
    for (const run of this.#runs) {
      if (last === undefined || last.bytes + run.bytes > most) joined.push((last = run))
      else {
        last.events += run.events
        last.bytes += run.bytes
        last.least = Math.min(last.least, run.least)
        last.most = Math.max(last.most, run.most)
      }
    }
    this.#runs = joined
  }
}

/** Takes the first `events` from a run; yields the bytes that have left it at the least. */
function shorten(run: Run, events: number): number {
  const before = run.bytes
  run.events -= events
  run.bytes = Math.min(before - events * run.least, run.events * run.most)
  return before - run.bytes
}
