/** How many connections of strangers a node bears, and for how long. */
export interface StrangerBounds {
  /** All connections of the node, known or not. */
  readonly maxConnections: number
  /** Strangers' part of `maxConnections`; at least one connection. */
  readonly maxSharePercent: number
  /** Strangers of one /24 or /64. */
  readonly maxPerPrefix: number
  /** How long a stranger may stay without a call. */
  readonly graceMs: number
  /** Strangers whose upgrade is under way at once. */
  readonly maxOpening: number
}

export type StrangerRefusal = 'stranger_share' | 'stranger_prefix' | 'stranger_wait'

/** `evicted` has lost its place to the newcomer and must be closed. */
export type StrangerVerdict =
  | { readonly ok: true; readonly id: number; readonly evicted?: number }
  | { readonly ok: false; readonly refused: StrangerRefusal }

interface Stranger {
  readonly prefix: string
  openCalls: number
  isOpening: boolean
  /** When its last call ended, else when it opened, else when it came. */
  quietSince: number
  /** Streams without a protocol, less one for each second since `failedAt`. */
  failures: number
  failedAt: number
}

/** A network refused; one that comes back to do the same is refused for twice as long. */
interface Bar {
  readonly until: number
  readonly ms: number
}

/** Streams that a stranger may open without finding a protocol: at once, and each second. An honest one finds its own. */
const FAILURES_AT_ONCE = 32
const MS_A_FAILURE = 1000

const FIRST_BAR_MS = 60_000
const LONGEST_BAR_MS = 16 * FIRST_BAR_MS

/** Counts the connections that have shown neither a link nor a token. Keeps no clock and does no I/O. */
export class StrangerLedger {
  readonly #bounds: StrangerBounds
  readonly #maxStrangers: number
  readonly #strangers = new Map<number, Stranger>()
  readonly #parked = new Map<number, Stranger>()
  readonly #perPrefix = new Map<string, number>()
  readonly #barred = new Map<string, Bar>()
  #opening = 0
  #lastId = 0

  constructor(bounds: StrangerBounds) {
    this.#bounds = bounds
    this.#maxStrangers = Math.max(1, Math.floor((bounds.maxConnections * bounds.maxSharePercent) / 100))
  }

  get size(): number {
    return this.#strangers.size
  }

  /**
   * Takes a place for a new connection, or names the bound that has none left. Where only quiet strangers stand in the
   * way, the one that has been quiet longest makes room, so that idle connections cannot lock others out.
   */
  admit(prefix: string, now: number): StrangerVerdict {
    const id = this.#lastId + 1
    const fresh = { prefix, openCalls: 0, isOpening: true, quietSince: now, failures: 0, failedAt: now }
    const verdict = this.#place(id, fresh, now)
    if (verdict.ok) this.#lastId = id
    return verdict
  }

  /** Starts the grace time: from here on the connection can carry calls. */
  opened(id: number, now: number): void {
    const stranger = this.#strangers.get(id)
    if (stranger?.isOpening !== true) return
    stranger.isOpening = false
    stranger.quietSince = now
    this.#opening--
  }

  callStarted(id: number): void {
    const stranger = this.#strangers.get(id) ?? this.#parked.get(id)
    if (stranger) stranger.openCalls++
  }

  callEnded(id: number, now: number): void {
    const stranger = this.#strangers.get(id) ?? this.#parked.get(id)
    if (!stranger) return
    stranger.openCalls = Math.max(0, stranger.openCalls - 1)
    stranger.quietSince = now
  }

  /** A stream ended that had found no protocol; true once there were too many of them. */
  negotiationFailed(id: number, now: number): boolean {
    const stranger = this.#strangers.get(id)
    if (!stranger) return false
    stranger.failures = Math.max(0, stranger.failures - (now - stranger.failedAt) / MS_A_FAILURE) + 1
    stranger.failedAt = now
    return stranger.failures > FAILURES_AT_ONCE
  }

  isStranger(id: number): boolean {
    return this.#strangers.has(id)
  }

  /**
   * Refuses further connections from this stranger's network: for a minute at first, and for twice as long as the last
   * time if that has been over for no longer than it lasted.
   */
  bar(id: number, now: number): void {
    const stranger = this.#strangers.get(id)
    if (!stranger || this.isBarred(stranger.prefix, now)) return
    const last = this.#barred.get(stranger.prefix)
    const ms = last && !isForgotten(last, now) ? Math.min(last.ms * 2, LONGEST_BAR_MS) : FIRST_BAR_MS
    this.#barred.set(stranger.prefix, { until: now + ms, ms })
  }

  /** The connection has shown who it is: its place is free for another stranger. */
  promote(id: number): void {
    this.release(id)
  }

  /** The connection is known for as long as it has a link: its place is free, its calls are counted on. */
  park(id: number): void {
    const stranger = this.#strangers.get(id)
    if (!stranger) return
    this.release(id)
    this.#parked.set(id, { ...stranger, isOpening: false })
  }

  /**
   * The link of a parked connection has ended: it takes a place by the same bounds as a new one, and its grace starts.
   * Undefined for one that is not parked. One that is refused must be closed.
   */
  unpark(id: number, now: number): StrangerVerdict | undefined {
    const stranger = this.#parked.get(id)
    if (!stranger) return undefined
    this.#parked.delete(id)
    return this.#place(id, { ...stranger, quietSince: now }, now)
  }

  /** The connection is gone, or its upgrade failed. Ids that hold no place are ignored. */
  release(id: number): void {
    this.#parked.delete(id)
    const stranger = this.#strangers.get(id)
    if (!stranger) return
    this.#strangers.delete(id)
    if (stranger.isOpening) this.#opening--
    const left = this.#perPrefix.get(stranger.prefix)! - 1
    if (left > 0) this.#perPrefix.set(stranger.prefix, left)
    else this.#perPrefix.delete(stranger.prefix)
  }

  /** Strangers whose grace is over: to be closed. Forgets what need not be known any more. */
  overdue(now: number): number[] {
    for (const [prefix, bar] of this.#barred) if (isForgotten(bar, now)) this.#barred.delete(prefix)
    const ids = []
    for (const [id, stranger] of this.#strangers) {
      if (isOverdue(stranger, now, this.#bounds.graceMs)) ids.push(id)
    }
    return ids
  }

  /** True while a network is refused for what its strangers did. */
  isBarred(prefix: string, now: number): boolean {
    const bar = this.#barred.get(prefix)
    return bar !== undefined && now < bar.until
  }

  #place(id: number, stranger: Stranger, now: number): StrangerVerdict {
    const { prefix, isOpening } = stranger
    const ofPrefix = this.#perPrefix.get(prefix) ?? 0
    if (this.isBarred(prefix, now) || ofPrefix >= this.#bounds.maxPerPrefix) {
      return { ok: false, refused: 'stranger_prefix' }
    }
    const evicted = this.#inTheWay(isOpening)
    if (evicted === null) return { ok: false, refused: 'stranger_share' }
    if (evicted !== undefined) this.release(evicted)
    this.#strangers.set(id, stranger)
    this.#perPrefix.set(prefix, (this.#perPrefix.get(prefix) ?? 0) + 1)
    if (isOpening) this.#opening++
    return { ok: true, id, ...(evicted !== undefined && { evicted }) }
  }

  /** Who has to go for one more: nobody (undefined), one that is quiet, or nobody that may go (null). */
  #inTheWay(isOpening: boolean): number | undefined | null {
    if (isOpening && this.#opening >= this.#bounds.maxOpening)
      return this.#quietest(stranger => stranger.isOpening)
    if (this.#strangers.size < this.#maxStrangers) return undefined
    return this.#quietest(({ openCalls }) => openCalls === 0)
  }

  #quietest(counts: (stranger: Stranger) => boolean): number | null {
    let quietest: number | null = null
    let since = Infinity
    for (const [id, stranger] of this.#strangers) {
      if (!counts(stranger) || stranger.quietSince >= since) continue
      quietest = id
      since = stranger.quietSince
    }
    return quietest
  }
}

function isOverdue({ openCalls, isOpening, quietSince }: Stranger, now: number, graceMs: number): boolean {
  return openCalls === 0 && !isOpening && now - quietSince >= graceMs
}

function isForgotten({ until, ms }: Bar, now: number): boolean {
  return now >= until + ms
}
