/** What a stranger's input is taken to cost before any has been measured, and the bounds of what is learned. */
const FIRST_COST_MS = 10
const LEAST_COST_MS = 1
const MOST_COST_MS = 100
/** How much one stranger says of the next. */
const WEIGHT = 1 / 16

/** What may be spent at once, and what is paid back later before anybody new comes in. */
const MOST_SAVED_MS = 250
const MOST_OWED_MS = 1000

/** One comes in as often as that whatever strangers have cost: else those who are there could shut out all others. */
const AT_LEAST_EVERY_MS = 250
/** The same for one from a network where a hub has proved itself. */
const AT_LEAST_EVERY_MS_PROVEN = 100

/** From how much of the loop's time on strangers wait, and when no more. */
const BUSY_FROM = 0.5
const BUSY_UNTIL = 0.35

/** What one stranger has cost. Its end must be told once. */
export interface StrangerCost {
  /** Time that the event loop spent on what it sent. */
  spend(ms: number): void
  /** It is known now, and costs strangers nothing from the start. */
  forgive(): void
  end(): void
}

/**
 * How much of the event loop's time strangers have, and whether one more may come in. Each pays on arrival what the last
 * ones have cost on average, gets back what it did not use, and is charged for more as it is spent. Times are in
 * milliseconds. Keeps no clock and does no I/O.
 */
export class StrangerBudget {
  readonly #share: number
  #saved = MOST_SAVED_MS
  #at: number
  #cost = FIRST_COST_MS
  #lastIn = -Infinity
  #isBusy = false
  #spent = 0

  /** `share` is what strangers may have of the time, from 0 to 1. */
  constructor(share: number, now: number) {
    this.#share = share
    this.#at = now
  }

  /** All that strangers have cost so far, those included that became known. */
  get spentMs(): number {
    return this.#spent
  }

  /** True while newcomers have to be paid for before they come in. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /**
   * To be told at even intervals how much of the time since the last one the event loop was busy, from 0 to 1, and
   * whether anybody waits: as long as somebody does, strangers want more than their share.
   */
  sample(utilisation: number, isAnybodyWaiting: boolean): void {
    if (utilisation >= BUSY_FROM) this.#isBusy = true
    else if (utilisation <= BUSY_UNTIL && !isAnybodyWaiting) this.#isBusy = false
  }

  /** In how long one more may come in: 0 for now. */
  dueIn(isProven: boolean, now: number): number {
    if (!this.#isBusy || this.#share >= 1) return 0
    this.#earn(now)
    const untilPaid = this.#saved > 0 ? 0 : (1 - this.#saved) / this.#share
    const untilLeast = this.#lastIn + (isProven ? AT_LEAST_EVERY_MS_PROVEN : AT_LEAST_EVERY_MS) - now
    return Math.max(0, Math.min(untilPaid, untilLeast))
  }

  /** One comes in. */
  letIn(now: number): void {
    this.#lastIn = now
    this.#earn(now)
    this.#charge(this.#cost)
  }

  /** The costs of one that came in; `isMeasured` is false for one whose input nobody measures: it costs the average. */
  open(isMeasured = true): StrangerCost {
    const paid = this.#cost
    let spent = 0
    let isOver = false
    return {
      spend: ms => {
        if (isOver) return
        this.#spent += ms
        spent += ms
        const beyond = Math.min(ms, Math.max(0, spent - paid))
        if (beyond > 0) this.#charge(beyond)
      },
      forgive: () => {
        if (isOver) return
        isOver = true
        this.#charge(-Math.max(paid, spent))
      },
      end: () => {
        if (isOver) return
        isOver = true
        if (!isMeasured) return
        this.#charge(-Math.max(0, paid - spent))
        const cost = Math.min(MOST_COST_MS, Math.max(LEAST_COST_MS, spent))
        this.#cost += (cost - this.#cost) * WEIGHT
      }
    }
  }

  #earn(now: number): void {
    this.#charge(-Math.max(0, now - this.#at) * this.#share)
    this.#at = now
  }

  #charge(ms: number): void {
    this.#saved = Math.max(-MOST_OWED_MS, Math.min(MOST_SAVED_MS, this.#saved - ms))
  }
}
