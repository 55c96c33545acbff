import { dagWalk } from '../../protocols/index.ts'
import type { ByteRange, Cid, ReadAhead, VerifiedBlock, WalkedBlock } from '../../protocols/index.ts'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { Arrivals } from './arrivals.ts'
import type { BlameBook } from './blame-book.ts'
import type { BlobProvider, BlockShelf } from './blob-provider.ts'
import { span, within } from './byte-ranges.ts'
import type { ByteRanges } from './byte-ranges.ts'
import { FetchFailed } from './fetch-failed.ts'
import { FetchPlan } from './fetch-plan.ts'
import type { FetchAction, FetchEvent, PlanBounds } from './fetch-plan.ts'
import type { FetchReport } from './fetch-report.ts'
import { missingRanges } from './missing-ranges.ts'
import { readAnswer } from './read-answer.ts'
import type { Asking, Proofs } from './read-answer.ts'

/** Providers, best first; the next one is looked for when it is asked for. */
export interface ProviderSearch extends AsyncIterable<BlobProvider> {
  /** What went wrong while looking. */
  readonly notes: readonly string[]
  /** Nobody is looked for any more. */
  stop(): void
}

export interface Progress {
  /** Plain bytes that came so far. */
  readonly fetched: number
  /** Plain bytes that were missing at the start; undefined before the root is proved. */
  readonly missing: number | undefined
}

export interface FetchOptions extends ByteRange {
  readonly cid: Cid
  /** What is here already, and where the rest goes. */
  readonly shelf: BlockShelf
  readonly search: ProviderSearch
  readonly blame: BlameBook
  /** Whether `plain` will be read: then no more is fetched ahead of it than a window. */
  readonly isRead?: boolean
  /** Room for leaves that are read from the shelf before they are due. */
  readonly room?: ReadAhead | undefined
  readonly bounds?: Partial<PlanBounds>
  /** Default one hour. */
  readonly deadlineMs?: number
  readonly clock?: Clock
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  /** Told the length of the whole blob before any more of it is asked for; what it throws ends the fetch. */
  readonly onTotal?: (bytes: number) => void
}

const DEADLINE_MS = 3_600_000

/**
 * Has a blob, or a range of it, brought from whoever has it: every block is proved before it gets to the shelf. It begins
 * at once.
 */
export class BlobFetch {
  /**
   * Resolves once all of the range is on the shelf. Rejects with `FetchFailed`, with what is wrong with the blob itself,
   * with what the shelf threw, or with the reason of an abort.
   */
  readonly done: Promise<FetchReport>
  /** Plain bytes of the whole blob, as soon as its root is proved. Rejects as `done`. */
  readonly total: Promise<number>
  readonly #options: FetchOptions
  readonly #clock: Clock
  readonly #startMs: number
  readonly #asked = new Map<string, Asking>()
  readonly #providers = new Map<string, BlobProvider>()
  readonly #arrivals: Arrivals
  readonly #ended = Promise.withResolvers<FetchReport>()
  readonly #total = Promise.withResolvers<number>()
  readonly #over = new AbortController()
  /** Undefined until it is known what is missing. */
  #plan: FetchPlan | undefined
  #missing: number | undefined
  #left = 0
  #cancelTick = (): void => undefined
  #wanted: (() => void) | undefined

  constructor(options: FetchOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#startMs = this.#clock.nowMs()
    this.#arrivals = new Arrivals(options.shelf)
    this.done = this.#ended.promise
    this.total = this.#total.promise
    this.done.catch(() => undefined)
    this.total.catch(() => undefined)
    void this.#run().catch((error: unknown) => this.#fail(error))
  }

  /** Ends it unless it has ended; what came stays on the shelf. */
  abort(reason: unknown = new DOMException('the fetch was given up', 'AbortError')): void {
    this.#fail(reason)
  }

  /** Whether it has ended, well or not. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  get report(): FetchReport {
    return {
      missing: this.#missing,
      fetched: this.#missing === undefined ? 0 : this.#missing - this.#left,
      ms: this.#clock.nowMs() - this.#startMs,
      providers: this.#plan?.providers ?? [],
      searches: this.#options.search.notes
    }
  }

  /** The plain bytes of the range in order, each piece proved, as they come. May be read more than once. */
  async *plain(): AsyncGenerator<Uint8Array, void> {
    const { offset = 0, length } = this.#options
    for await (const block of this.blocks()) {
      if (block.cid.codec !== 'raw') continue
      const to = length === undefined ? undefined : offset + length - block.offset
      yield block.bytes.subarray(Math.max(0, offset - block.offset), to)
    }
  }

  /** The blocks of the range in the order of the `dag` form, each proved, as they come. */
  async *blocks(): AsyncGenerator<WalkedBlock, void> {
    const { cid, offset, length, room } = this.#options
    const blocks = (id: Cid): Promise<Uint8Array | undefined> => this.#arrivals.get(id)
    for await (const block of dagWalk({ cid, offset, length, room, blocks })) {
      yield block
      if (block.cid.codec === 'raw') this.#step({ is: 'read', upTo: block.offset + block.bytes.length })
    }
  }

  async #run(): Promise<void> {
    const {
      cid,
      offset,
      length,
      shelf,
      isRead,
      bounds = {},
      deadlineMs = DEADLINE_MS,
      signal
    } = this.#options
    if (signal?.aborted) throw signal.reason
    const onAbort = (): void => this.#fail(signal!.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const cancel = this.#clock.after(deadlineMs, () =>
      this.#fail(new FetchFailed(this.report, { isLate: true }))
    )
    this.#over.signal.addEventListener('abort', () => {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    })
    const { total, ranges } = await missingRanges(shelf, cid, { offset, length, signal: this.#over.signal })
    this.#plan = new FetchPlan({ missing: ranges, bounds, ...(isRead && { isRead }) })
    if (total !== undefined) {
      this.#missing = this.#left = lengthOf(ranges)
      this.#isKnown(total)
    }
    this.#step({ is: 'tick' })
    await this.#search()
  }

  async #search(): Promise<void> {
    const { search } = this.#options
    const found = search[Symbol.asyncIterator]()
    const over = new Promise<undefined>(resolve =>
      this.#over.signal.addEventListener('abort', () => resolve(undefined), { once: true })
    )
    try {
      while (await this.#wantsProviders()) {
        const next = await Promise.race([found.next(), over])
        if (next === undefined) return
        const { done, value } = next
        if (done === true) return this.#step({ is: 'searched' })
        const provider = value as BlobProvider
        if (this.#providers.has(provider.provider)) continue
        this.#providers.set(provider.provider, provider)
        const bar = this.#options.blame.barOf(provider.provider, this.#clock.nowMs())
        this.#step({ is: 'found', provider: provider.provider, via: provider.via, has: provider.has, bar })
      }
    } finally {
      search.stop()
      void Promise.resolve(found.return?.()).catch(() => undefined)
    }
  }

  /** Resolves when one more provider is needed; with false once the fetch is over. */
  async #wantsProviders(): Promise<boolean> {
    while (!this.#over.signal.aborted) {
      if (this.#plan!.wantsProviders(this.#clock.nowMs())) return true
      await new Promise<void>(resolve => (this.#wanted = resolve))
    }
    return false
  }

  #step(event: FetchEvent): void {
    if (this.#over.signal.aborted || this.#plan === undefined) return
    const nowMs = this.#clock.nowMs()
    for (const action of this.#plan.step(event, nowMs)) this.#act(action)
    this.#cancelTick()
    const wakeMs = this.#plan.wakeMs(nowMs)
    if (wakeMs !== undefined && !this.#over.signal.aborted)
      this.#cancelTick = this.#clock.after(wakeMs - nowMs, () => this.#step({ is: 'tick' }))
    this.#wanted?.()
    this.#wanted = undefined
  }

  #act(action: FetchAction): void {
    if (action.do === 'succeed') return this.#end()
    if (action.do === 'fail') return this.#fail(new FetchFailed(this.report))
    const { provider } = action
    if (action.do === 'cut') return void (this.#asked.get(provider)!.to = action.to)
    if (action.do === 'ask') {
      const asking = {
        cid: this.#options.cid,
        from: action.from,
        to: action.to,
        abort: new AbortController()
      }
      this.#asked.set(provider, asking)
      return void this.#ask(provider, asking).catch((error: unknown) => this.#fail(error))
    }
    this.#options.blame.note(provider, action.code, this.#clock.nowMs())
    this.#asked.get(provider)?.abort.abort()
    this.#asked.delete(provider)
  }

  async #ask(provider: string, asking: Asking): Promise<void> {
    const proofs: Proofs = {
      total: bytes => this.#heardTotal(bytes),
      proved: block => this.#proved(provider, asking, block)
    }
    const end = await readAnswer(this.#providers.get(provider)!, asking, proofs, this.#clock)
    // An answer that was stopped, or is late with its end, may still turn out to be a lie.
    const isOpen = this.#asked.get(provider) === asking
    if (isOpen || !asking.abort.signal.aborted)
      this.#options.blame.note(provider, end.code, this.#clock.nowMs())
    if (!isOpen) return
    this.#asked.delete(provider)
    this.#step({ is: 'ended', provider, ...end })
  }

  #heardTotal(bytes: number): void {
    this.#missing ??= this.#left = lengthOf(within(this.#plan!.missing, span(0, bytes)))
    this.#isKnown(bytes)
    this.#step({ is: 'total', bytes })
  }

  #isKnown(total: number): void {
    this.#options.onTotal?.(total)
    this.#total.resolve(total)
  }

  async #proved(provider: string, asking: Asking, block: VerifiedBlock): Promise<void> {
    const bytes = joined(block.block)
    await this.#options.shelf.write(block.cid, bytes)
    this.#arrivals.came(block.cid, () => bytes)
    // What comes after the fetch has ended or the answer was stopped is kept, and changes nothing.
    if (this.#over.signal.aborted || this.#asked.get(provider) !== asking) return
    const length = block.plain.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const proved = { from: block.offset, to: block.offset + length }
    this.#step({ is: 'proved', provider, ...proved })
    this.#left = lengthOf(this.#plan!.missing)
    if (length > 0) this.#options.onProgress?.({ fetched: this.report.fetched, missing: this.#missing })
  }

  #end(): void {
    this.#left = 0
    // Answers that have given all may end by themselves: what follows their last byte is judged yet.
    this.#close()
    this.#arrivals.end()
    this.#ended.resolve(this.report)
  }

  #fail(error: unknown): void {
    if (this.#over.signal.aborted) return
    this.#close()
    for (const { abort } of this.#asked.values()) abort.abort()
    this.#arrivals.end(error)
    this.#ended.reject(error)
    this.#total.reject(error)
  }

  #close(): void {
    this.#over.abort()
    this.#cancelTick()
    this.#wanted?.()
  }
}

const lengthOf = (ranges: ByteRanges): number => ranges.reduce((sum, { from, to }) => sum + to - from, 0)

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}
