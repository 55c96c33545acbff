import { OapError } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { ProviderSearch } from '../fetch/blob-fetch.ts'
import type { BlobProvider } from '../fetch/blob-provider.ts'
import type { ByteRanges } from '../fetch/byte-ranges.ts'
import type { RoutedPeer, Routing } from './routing.ts'

/** A peer over whose link can be asked whether it has a blob. */
export interface LinkedHolder extends Pick<BlobProvider, 'provider' | 'get'> {
  /** What it has of the blob: all, some ranges, or nothing. Throws what a refusal is. */
  holds(cid: Cid, options: { readonly signal: AbortSignal }): Promise<'all' | ByteRanges | undefined>
}

export interface SearchOptions {
  readonly cid: Cid
  /** Asked first, 32 at a time. */
  readonly linked: readonly LinkedHolder[]
  /** Undefined where the DHT is switched off. */
  readonly routing?: Routing | undefined
  /** How a peer that the DHT names is asked; undefined for one that cannot be. */
  readonly reach?: (peer: RoutedPeer) => Pick<BlobProvider, 'provider' | 'get'> | undefined
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

/** The DHT is asked when no linked peer has said yes by then. */
export const HEDGE_MS = 250
/** Linked peers that are asked at the same time. */
const LINKED_AT_ONCE = 32
/** A linked peer that has not answered by then has nothing. */
const HOLDS_MS = 5000
const ROUTING_MS = 10_000
/** Peers of the DHT that are looked at in one search. */
const MOST_ROUTED = 20
const MOST_NOTES = 64

/**
 * Looks for those who have a blob: linked peers, then the DHT, each with a deadline. It looks no further than it is asked
 * to: who has enough providers does not ask the network. To be iterated once.
 */
export class LinkedFirst implements ProviderSearch {
  readonly notes: string[] = []
  readonly #options: SearchOptions
  readonly #clock: Clock
  readonly #end = new AbortController()
  readonly #found: BlobProvider[] = []
  readonly #known = new Set<string>()
  /** Sources that may still bring somebody. */
  #open = 0
  #isHedgeDue = false
  #isRouted = false
  #wake: (() => void) | undefined

  constructor(options: SearchOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BlobProvider, void> {
    const { linked, signal } = this.#options
    const onAbort = (): void => this.stop()
    signal?.addEventListener('abort', onAbort, { once: true })
    const cancel = this.#clock.after(HEDGE_MS, () => {
      this.#isHedgeDue = true
      this.#wake?.()
    })
    try {
      signal?.throwIfAborted()
      const waiting = linked.values()
      for (let n = 0; n < LINKED_AT_ONCE; n++) void this.#askEach(waiting)
      for (;;) {
        const found = this.#found.shift()
        if (found !== undefined) yield found
        else if (this.#end.signal.aborted) return
        else if (this.#open === 0 || this.#isHedgeDue) {
          if (!this.#route() && this.#open === 0) return
          await this.#something()
        } else await this.#something()
      }
    } finally {
      cancel()
      signal?.removeEventListener('abort', onAbort)
      this.stop()
    }
  }

  /** Ends the search, also while somebody waits for the next provider. */
  stop(): void {
    this.#end.abort()
    this.#wake?.()
  }

  /** Whether the DHT was asked now. */
  #route(): boolean {
    const { routing } = this.#options
    if (this.#isRouted || routing === undefined) return false
    this.#isRouted = true
    void this.#run('dht: ', ROUTING_MS, end => this.#walk(routing, end))
    return true
  }

  /** One linked peer after the other, until none waits. */
  async #askEach(waiting: Iterator<LinkedHolder>): Promise<void> {
    this.#open++
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      if (this.#end.signal.aborted) break
      const holder = next.value
      await this.#run(`${holder.provider}: `, HOLDS_MS, end => this.#ask(holder, end))
    }
    this.#open--
    this.#wake?.()
  }

  async #ask(holder: LinkedHolder, signal: AbortSignal): Promise<void> {
    const held = await holder.holds(this.#options.cid, { signal })
    if (held === undefined || held.length === 0) return
    this.#bring({
      provider: holder.provider,
      via: 'link',
      has: held === 'all' ? undefined : held,
      get: holder.get
    })
  }

  async #walk(routing: Routing, signal: AbortSignal): Promise<void> {
    let looked = 0
    for await (const peer of routing.findProviders(this.#options.cid, { signal })) {
      const reached = this.#options.reach?.(peer)
      if (reached === undefined) this.#note(`dht: ${peer.peer} has it and cannot be reached`)
      else this.#bring({ provider: reached.provider, via: 'dht', get: reached.get })
      if (++looked === MOST_ROUTED) return
    }
  }

  #bring(provider: BlobProvider): void {
    if (this.#known.has(provider.provider)) return
    this.#known.add(provider.provider)
    this.#found.push(provider)
    this.#wake?.()
  }

  /** Runs a source until it ends, or its time is over: whoever ignores the signal is waited for no longer. */
  async #run(what: string, ms: number, source: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#open++
    const late = new AbortController()
    const cancel = this.#clock.after(ms, () => late.abort(new OapError('deadline')))
    const signal = AbortSignal.any([this.#end.signal, late.signal])
    try {
      await Promise.race([source(signal), rejection(signal)])
    } catch (error) {
      if (!this.#end.signal.aborted) this.#note(what + reasonOf(error))
    } finally {
      cancel()
      this.#open--
      this.#wake?.()
    }
  }

  #note(text: string): void {
    if (this.notes.length < MOST_NOTES) this.notes.push(text)
  }

  #something(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}

const rejection = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const reasonOf = (error: unknown): string => {
  if (error instanceof OapError) return error.code
  return error instanceof Error ? error.message : String(error)
}
