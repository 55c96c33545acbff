import { OapError, cidText } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Routing } from '../find/routing.ts'
import { PROVIDE, gapMs, retryAfterMs } from './provide-pace.ts'
import type { ProvideNumbers } from './provide-pace.ts'
import type { ProvideRow, ProvideRows } from './provide-rows.ts'

export interface AnnouncerOptions {
  readonly rows: ProvideRows
  readonly routing: Pick<Routing, 'provide'> & {
    /** Peers of the DHT that are known; nothing is announced to nobody. */
    readonly peers: number
    /** No longer names this node as one that has the blob. */
    withdraw(cid: Cid, options: { readonly signal: AbortSignal }): Promise<void>
  }
  /** Asked before each announcement: a root that is not public, or gone, is never announced again. */
  readonly isPublic: (cid: Cid) => Promise<boolean> | boolean
  readonly numbers?: Partial<ProvideNumbers>
  readonly clock?: Clock
  /** Unix ms. */
  readonly wallMs?: () => number
  /** Hears what the store throws, which is tried again a minute later, and the DHT when a root is withdrawn. */
  readonly onError?: (error: unknown) => void
  /** Hears of every announcement; `error` is its code. */
  readonly onAnnounced?: (cid: Cid, result: { readonly peers: number } | { readonly error: string }) => void
}

export interface AnnouncerStats {
  readonly roots: number
  readonly underWay: number
  readonly announced: number
  readonly failed: number
  /** Milliseconds between two announcements. */
  readonly gapMs: number
}

/** How long to wait for peers where there are none, and for a store that fails. */
const LONELY_MS = 5000
const TROUBLE_MS = 60_000

/**
 * Announces roots in the DHT, each once in an interval, at a pace that spreads all of them over it: neither many new roots
 * nor a restart make a burst. What is due next is in the rows, so that it goes on there after a restart.
 */
export class Announcer {
  readonly #options: AnnouncerOptions
  readonly #numbers: ProvideNumbers
  readonly #clock: Clock
  readonly #wallMs: () => number
  readonly #underWay = new Map<string, Promise<void>>()
  #end = new AbortController()
  #isRunning = false
  #lastMs = -Infinity
  #announced = 0
  #failed = 0
  #cancelWake = (): void => undefined
  #wake: (() => void) | undefined
  /** Something changed while it was awake. */
  #isStirred = false
  #loop: Promise<void> | undefined

  constructor(options: AnnouncerOptions) {
    this.#options = options
    this.#numbers = { ...PROVIDE, ...options.numbers }
    this.#clock = options.clock ?? systemClock
    this.#wallMs = options.wallMs ?? Date.now
  }

  get stats(): AnnouncerStats {
    return {
      roots: this.#options.rows.count,
      underWay: this.#underWay.size,
      announced: this.#announced,
      failed: this.#failed,
      gapMs: this.#gapMs
    }
  }

  /** Resolves once it would survive a power cut that these are to be announced. */
  async add(cids: readonly Cid[]): Promise<void> {
    await this.#options.rows.add(cids, this.#wallMs())
    this.#stir()
  }

  /** Others forget the last announcement when its time is over; this node does so now. */
  async remove(cid: Cid): Promise<void> {
    if (!(await this.#options.rows.remove(cid))) return
    const withdrawn = this.#within(signal => this.#options.routing.withdraw(cid, { signal }))
    await withdrawn.catch((error: unknown) => this.#options.onError?.(error))
  }

  /** Announces a root no longer that is not public. */
  async review(cid: Cid): Promise<void> {
    const { isPublic } = this.#options
    if (await isPublic(cid)) return
    await this.remove(cid)
    // It may have become public again meanwhile, while its row was still there.
    if (await isPublic(cid)) await this.add([cid])
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#end = new AbortController()
    this.#loop = this.#run()
  }

  /** Resolves when nothing is under way any more; what was is due again. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#end.abort()
    this.#stir()
    await this.#loop
    await Promise.all(this.#underWay.values())
  }

  get #gapMs(): number {
    return gapMs(this.#options.rows.count, this.#numbers)
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.#isStirred = false
      const waitMs = await this.#turn().catch((error: unknown) => {
        this.#options.onError?.(error)
        return TROUBLE_MS
      })
      if (waitMs > 0 && this.#isRunning && !this.#isStirred) await this.#sleep(waitMs)
    }
  }

  /** Begins one announcement if it is time; yields how long to wait before the next look. */
  async #turn(): Promise<number> {
    const { rows, routing } = this.#options
    if (this.#underWay.size >= this.#numbers.atOnce) return this.#numbers.deadlineMs
    const paceMs = this.#lastMs + this.#gapMs - this.#clock.nowMs()
    if (paceMs > 0) return paceMs
    if (routing.peers === 0) return LONELY_MS
    const first = await rows.first(this.#numbers.atOnce + 1)
    const next = first.find(({ cid }) => !this.#underWay.has(cidText(cid)))
    if (next === undefined) return this.#numbers.intervalMs
    const dueInMs = next.dueMs - this.#wallMs()
    if (dueInMs > 0) return Math.min(dueInMs, this.#numbers.intervalMs)
    if (!this.#isRunning) return 0
    this.#begin(next)
    return 0
  }

  #begin(row: ProvideRow): void {
    const key = cidText(row.cid)
    this.#lastMs = this.#clock.nowMs()
    const announcing = this.#announce(row).finally(() => {
      this.#underWay.delete(key)
      this.#stir()
    })
    this.#underWay.set(key, announcing)
  }

  async #announce({ cid, failures }: ProvideRow): Promise<void> {
    const { rows, isPublic, onAnnounced } = this.#options
    try {
      if (!(await isPublic(cid))) return await this.review(cid)
      const peers = await this.#provide(cid)
      this.#announced++
      await rows.settle(cid, { dueMs: this.#wallMs() + this.#numbers.intervalMs, failures: 0 })
      onAnnounced?.(cid, { peers })
    } catch (error) {
      if (this.#end.signal.aborted) return
      this.#failed++
      const waitMs = retryAfterMs(failures + 1, this.#numbers)
      await rows
        .settle(cid, { dueMs: this.#wallMs() + waitMs, failures: failures + 1 })
        .catch((cause: unknown) => this.#options.onError?.(cause))
      onAnnounced?.(cid, { error: error instanceof OapError ? error.code : 'internal' })
    }
  }

  async #provide(cid: Cid): Promise<number> {
    const peers = await this.#within(signal => this.#options.routing.provide(cid, { signal }))
    if (peers === 0) throw new OapError('upstream', 'no peer took note')
    return peers
  }

  async #within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController()
    const cancel = this.#clock.after(this.#numbers.deadlineMs, () => late.abort(new OapError('deadline')))
    const signal = AbortSignal.any([this.#end.signal, late.signal])
    try {
      // A network that ignores the signal is waited for no longer.
      const ended = new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      )
      return await Promise.race([work(signal), ended])
    } finally {
      cancel()
    }
  }

  #stir(): void {
    this.#isStirred = true
    this.#wake?.()
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        this.#cancelWake()
        this.#wake = undefined
        resolve()
      }
      this.#wake = wake
      this.#cancelWake = this.#clock.after(ms, wake)
    })
  }
}
