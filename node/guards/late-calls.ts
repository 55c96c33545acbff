/** Turns are looked at from here on, in parts of `mostDelayMs`. */
const QUIET = 0.25
/** Nothing but long turns for so long, in parts of `mostDelayMs`, is overload. */
const STANDING = 5
/** No long turn and no refusal for so long, in parts of `mostDelayMs`, ends it. */
const CALM = 10
/** From here on, in parts of `mostDelayMs`, a turn refuses whatever comes. */
const LIMIT = 5
/** Long turns in a row that it takes: one pause, of the collector or the machine, is no overload. */
const LONG_IN_A_ROW = 2
/** How much of `mostDelayMs` the shares are to fill, so that the last caller of a turn gets its share too. */
const AIM = 0.8
/** How fast shares grow again, at most, from turn to turn. */
const MOST_GROWTH = 2
/** A share below one is the chance of one call. */
const LEAST_SHARE = 0.001

export interface LateCallsOptions {
  /** How long calls may wait for the processor, as far as a node can keep to that. */
  readonly mostDelayMs: number
  /** How often `tick` is called while nothing holds the event loop up. */
  readonly tickMs: number
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Runs `run` once this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void
  /** From 0 to below 1. */
  readonly random: () => number
}

/**
 * Which calls come too late to be served. Handlers that keep the processor leave no call open by which they could be
 * seen: turns of the event loop grow long, since all that came in during one is handled in the next. When all
 * turns have been long for a while, a turn serves calls for `mostDelayMs` and refuses the rest, and each caller has an
 * even share of what is served, so that who asks for little gets it. A while in which nobody was refused ends that.
 *
 * A turn is as long as its last call waited for the others. What comes after that call, such as a pause of the collector,
 * is not more than the node can do: refusing calls would not make it shorter.
 *
 * A node that keeps up pays one comparison a call, since its turns are not looked at.
 */
export class LateCalls {
  readonly #o: LateCallsOptions
  readonly #quietMs: number
  readonly #turn: Turn = new Turn()
  #tickedAt: number
  /** Long turns in a row. */
  #longTurns = 0
  #firstLongAt = 0
  /** When the last turn ended that was long or refused a call. */
  #uneasyAt = 0
  #isShedding = false
  /** Calls of one caller that a turn serves. */
  #share = Infinity
  #judged = 0
  #refused = 0

  constructor(options: LateCallsOptions) {
    this.#o = options
    this.#quietMs = options.tickMs + options.mostDelayMs * QUIET
    this.#tickedAt = options.now()
  }

  /** True while calls are refused for having come too late in their turn. */
  get isShedding(): boolean {
    return this.#isShedding
  }

  /** To be called from a timer; when it is not, turns are looked at more often than they need be. */
  tick(now: number): void {
    this.#tickedAt = now
    if (this.#turn.isRunning) return
    const calmMs = now - this.#uneasyAt
    // Time in which nothing came counts as short turns do: what was long before it is not what is long after it.
    if (calmMs > this.#quietMs) this.#longTurns = 0
    if (this.#isShedding && calmMs >= CALM * this.#o.mostDelayMs) {
      this.#isShedding = false
      this.#share = Infinity
    }
  }

  /** Whether a call is refused that came at `now`; one that makes room for others is at the last bound only. */
  refuses(caller: string, relieves: boolean, now: number): boolean {
    if (!this.#isShedding && this.#longTurns === 0 && now - this.#tickedAt <= this.#quietMs) return false
    if (!this.#turn.isRunning) this.#begin(now)
    const isRefused = this.#isRefused(caller, relieves, now - this.#turn.since)
    this.#turn.lastAt = now
    this.#judged++
    if (isRefused) {
      this.#refused++
      this.#uneasyAt = now
    }
    return isRefused
  }

  /** The calls refused of those that came since this was last asked, in percent. */
  takeRefusedPercent(): number {
    const percent = this.#judged === 0 ? 0 : (this.#refused / this.#judged) * 100
    this.#judged = this.#refused = 0
    return percent
  }

  #begin(now: number): void {
    this.#turn.begin(now)
    this.#o.afterTurn(() => this.#over(this.#o.now()))
  }

  #isRefused(caller: string, relieves: boolean, ageMs: number): boolean {
    const { mostDelayMs, random } = this.#o
    const before = relieves ? 0 : this.#turn.count(caller, ageMs < mostDelayMs)
    if (ageMs >= LIMIT * mostDelayMs) return true
    if (!this.#isShedding || relieves) return false
    if (ageMs >= mostDelayMs) return true
    // A turn that served nothing would be idle time.
    if (ageMs === 0) return false
    return before + 1 > this.#share && before + random() >= this.#share
  }

  #over(now: number): void {
    const { mostDelayMs } = this.#o
    const { since, lastAt } = this.#turn
    const waitedMs = lastAt - since
    if (waitedMs < mostDelayMs) this.#longTurns = 0
    else {
      if (this.#longTurns++ === 0) this.#firstLongAt = since
      this.#uneasyAt = now
    }
    const isStanding = this.#longTurns >= LONG_IN_A_ROW && now - this.#firstLongAt >= STANDING * mostDelayMs
    this.#isShedding = isStanding || (this.#isShedding && now - this.#uneasyAt < CALM * mostDelayMs)
    this.#share = this.#isShedding ? this.#nextShare(mostDelayMs / waitedMs) : Infinity
    this.#turn.end()
  }

  /** Less where calls came for which there was no time, by their part in all; else as the turn had room. */
  #nextShare(room: number): number {
    const { inTime, came, mostOfOne } = this.#turn
    if (came === 0) return this.#share
    const change = inTime < came ? inTime / came : Math.min(MOST_GROWTH, AIM * room)
    const share = change < 1 ? Math.min(this.#share, mostOfOne) : this.#share
    return Math.max(LEAST_SHARE, share * change)
  }
}

/** The running turn, from the first call in it that was looked at. */
class Turn {
  readonly #calls = new Map<string, number>()
  isRunning = false
  since = 0
  /** When its last call so far came. */
  lastAt = 0
  /** Calls that were counted, and those of them for which there was time. */
  came = 0
  inTime = 0
  mostOfOne = 0

  begin(now: number): void {
    this.isRunning = true
    this.since = this.lastAt = now
  }

  /** Yields how many the caller had before. */
  count(caller: string, isInTime: boolean): number {
    const before = this.#calls.get(caller) ?? 0
    this.#calls.set(caller, before + 1)
    this.came++
    if (isInTime) this.inTime++
    if (before + 1 > this.mostOfOne) this.mostOfOne = before + 1
    return before
  }

  end(): void {
    this.isRunning = false
    this.#calls.clear()
    this.came = this.inTime = this.mostOfOne = 0
  }
}
