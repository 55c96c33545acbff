import { AskedProvider } from './asked-provider.ts'
import type { Found } from './asked-provider.ts'
import { includes, span, within, without } from './byte-ranges.ts'
import type { ByteRanges, Span } from './byte-ranges.ts'
import type { EndCode } from './ends.ts'
import type { ProviderReport } from './fetch-report.ts'

export interface PlanBounds {
  /** Providers that are asked at the same time. */
  readonly atOnce: number
  /** A provider that proves nothing for so long is given up. */
  readonly stallMs: number
  /** After so long without anything proved, another is asked for the same. */
  readonly hedgeMs: number
  /** A question whose rest takes longer is shared with a provider that is free. */
  readonly shareMs: number
  /** Less is not divided. */
  readonly shareBytes: number
  /** How far ahead of its reader a fetch goes. */
  readonly windowBytes: number
  /** Providers that are remembered of one fetch; further ones are not asked. */
  readonly mostProviders: number
}

export const PLAN_BOUNDS: PlanBounds = {
  atOnce: 4,
  stallMs: 5000,
  hedgeMs: 250,
  shareMs: 1000,
  shareBytes: 1_048_576,
  windowBytes: 33_554_432,
  mostProviders: 64
}

export type FetchEvent =
  | ({ readonly is: 'found' } & Found)
  /** No further provider will be found. */
  | { readonly is: 'searched' }
  /** The root is proved: the length of the blob. */
  | { readonly is: 'total'; readonly bytes: number }
  /** A block of the provider is proved; its plain bytes, none for a node. */
  | ({ readonly is: 'proved'; readonly provider: string } & Span)
  | ({
      readonly is: 'ended'
      readonly provider: string
      readonly code: EndCode
      readonly detail?: string
      /** When it said that it may be asked again. */
      readonly waitMs?: number
    } & object)
  /** The reader has come so far. */
  | { readonly is: 'read'; readonly upTo: number }
  | { readonly is: 'tick' }

export type FetchAction =
  | ({ readonly do: 'ask'; readonly provider: string } & Span)
  /** Nothing behind `to` is wanted of it any more. */
  | { readonly do: 'cut'; readonly provider: string; readonly to: number }
  | { readonly do: 'stop'; readonly provider: string; readonly code: 'stalled' | 'outrun' }
  | { readonly do: 'succeed' }
  | { readonly do: 'fail' }

export interface PlanOptions {
  /** What is wanted; `to` is Infinity for an end that is not known. */
  readonly missing: ByteRanges
  /** Whether somebody reads along, from the first missing byte on: then nothing is fetched far ahead. */
  readonly isRead?: boolean
  readonly bounds?: Partial<PlanBounds>
}

/**
 * Who is asked next, and for which bytes: events and the time in, actions out, no I/O.
 *
 * The first provider gets all that is missing, within the reader's window. One that is free takes the second half of what
 * another will need long for, or all of what another is silent about; whoever proves a byte first has brought it. What a
 * provider leaves is missing again, so that the next one goes on at the same leaf.
 */
export class FetchPlan {
  readonly #bounds: PlanBounds
  readonly #providers = new Map<string, AskedProvider>()
  #missing: ByteRanges
  #readTo: number | undefined
  #isSearched = false
  #isOver = false

  constructor({ missing, isRead = false, bounds = {} }: PlanOptions) {
    this.#missing = missing
    this.#readTo = isRead ? (missing[0]?.from ?? 0) : undefined
    this.#bounds = { ...PLAN_BOUNDS, ...bounds }
  }

  get missing(): ByteRanges {
    return this.#missing
  }

  get providers(): readonly ProviderReport[] {
    return [...this.#providers.values()].map(({ report }) => report)
  }

  /** Whether it would help to know one more provider. */
  wantsProviders(nowMs: number): boolean {
    if (this.#isOver || this.#isSearched || this.#providers.size >= this.#bounds.mostProviders) return false
    const asked = this.#asked
    if (asked.length >= this.#bounds.atOnce) return false
    const isOpen = asked.reduce((open, { left }) => without(open, left), this.#within(undefined)).length > 0
    if (isOpen) return true
    const isHelpAtHand = [...this.#providers.values()].some(
      provider => provider.isFree(nowMs) && provider.found.has === undefined
    )
    return !isHelpAtHand && asked.some(provider => this.#isLate(provider, nowMs))
  }

  step(event: FetchEvent, nowMs: number): FetchAction[] {
    if (this.#isOver) return []
    return [...this.#hear(event, nowMs), ...this.#stopStalled(nowMs), ...this.#next(nowMs)]
  }

  /** When `tick` is due if nothing happens before; undefined when only an event can change anything. */
  wakeMs(nowMs: number): number | undefined {
    const times: number[] = []
    for (const provider of this.#providers.values()) {
      if (provider.question !== undefined) {
        const quietMs = nowMs - provider.silentMs(nowMs)
        times.push(quietMs + this.#bounds.stallMs)
        if (quietMs + this.#bounds.hedgeMs > nowMs) times.push(quietMs + this.#bounds.hedgeMs)
        else times.push(nowMs + this.#bounds.hedgeMs)
      } else if (!provider.isOver && provider.notBeforeMs > nowMs) times.push(provider.notBeforeMs)
    }
    return this.#isOver || times.length === 0 ? undefined : Math.min(...times)
  }

  #hear(event: FetchEvent, nowMs: number): FetchAction[] {
    switch (event.is) {
      case 'found':
        if (!this.#providers.has(event.provider) && this.#providers.size < this.#bounds.mostProviders)
          this.#providers.set(event.provider, new AskedProvider(event, nowMs))
        return []
      case 'searched':
        this.#isSearched = true
        return []
      case 'total':
        this.#missing = without(this.#missing, { from: event.bytes, to: Infinity })
        for (const provider of this.#providers.values())
          if (provider.left.to > event.bytes) provider.cut(event.bytes)
        return []
      case 'proved':
        this.#providers.get(event.provider)?.moved(event.to, nowMs)
        this.#missing = without(this.#missing, event)
        return this.#stopOutrun(event.provider, nowMs)
      case 'ended':
        this.#providers.get(event.provider)?.end(event.code, nowMs, event)
        return []
      case 'read':
        if (this.#readTo !== undefined) this.#readTo = Math.max(this.#readTo, event.upTo)
        return []
      case 'tick':
        return []
    }
  }

  /** Ends questions whose rest others have brought, and those that were put twice and never answered. */
  #stopOutrun(by: string, nowMs: number): FetchAction[] {
    const first = this.#providers.get(by)
    return this.#stop('outrun', nowMs, provider => {
      if (provider === first) return false
      const { from, to } = provider.left
      // It has given all, and is about to end.
      if (from >= to) return false
      const isTwin =
        first?.question !== undefined &&
        provider.question!.at === provider.question!.from &&
        includes([{ from: first.question.from, to: first.question.to }], { from, to })
      return isTwin || within(this.#missing, span(from, to)).length === 0
    })
  }

  #stopStalled(nowMs: number): FetchAction[] {
    return this.#stop('stalled', nowMs, provider => provider.silentMs(nowMs) >= this.#bounds.stallMs)
  }

  #stop(
    code: 'stalled' | 'outrun',
    nowMs: number,
    isStopped: (provider: AskedProvider) => boolean
  ): FetchAction[] {
    const stopped = this.#asked.filter(isStopped)
    return stopped.map(provider => {
      provider.end(code, nowMs)
      return { do: 'stop', provider: provider.found.provider, code }
    })
  }

  #next(nowMs: number): FetchAction[] {
    if (this.#missing.length === 0) {
      this.#isOver = true
      const late = this.#stop('outrun', nowMs, ({ left }) => left.from < left.to)
      for (const provider of this.#asked) provider.end('done', nowMs)
      return [...late, { do: 'succeed' }]
    }
    const actions = this.#askFree(nowMs)
    if (this.#asked.length > 0 || !this.#isSearched) return actions
    if ([...this.#providers.values()].some(provider => this.#mayServeLater(provider, nowMs))) return actions
    this.#isOver = true
    return [...actions, { do: 'fail' }]
  }

  get #asked(): AskedProvider[] {
    return [...this.#providers.values()].filter(({ question }) => question !== undefined)
  }

  /** Whether a provider that is asked for nothing has what is missing, once it has rested or the reader has come further. */
  #mayServeLater({ isOver, notBeforeMs, found: { has } }: AskedProvider, nowMs: number): boolean {
    if (isOver || (has !== undefined && within(this.#missing, has).length === 0)) return false
    const isReading = this.#readTo !== undefined && this.#readTo < this.#missing[0]!.from
    return notBeforeMs > nowMs || isReading
  }

  #askFree(nowMs: number): FetchAction[] {
    const actions: FetchAction[] = []
    const free = [...this.#providers.values()].filter(provider => provider.isFree(nowMs)).sort(byMerit)
    for (const provider of free) {
      if (this.#asked.length >= this.#bounds.atOnce) break
      const { part, cut } = this.#partFor(provider, nowMs)
      if (part === undefined) continue
      provider.ask(part, nowMs)
      if (cut !== undefined) {
        cut.cut(part.from)
        actions.push({ do: 'cut', provider: cut.found.provider, to: part.from })
      }
      actions.push({ do: 'ask', provider: provider.found.provider, ...part })
    }
    return actions
  }

  /** The next bytes for a provider: what nobody is asked for, else a share of what somebody is. */
  #partFor(
    { found: { has } }: AskedProvider,
    nowMs: number
  ): { readonly part?: Span | undefined; readonly cut?: AskedProvider } {
    const reachable = this.#within(has)
    const open = this.#asked.reduce((left, { left: taken }) => without(left, taken), reachable)
    if (open.length > 0) return { part: open[0] }
    const inNeed = this.#asked.filter(other => this.#needsHelp(other, nowMs))
    const [victim] = inNeed.sort((a, b) => b.restMs(nowMs) - a.restMs(nowMs))
    if (victim === undefined) return {}
    const { from, to } = victim.left
    const middle = halfway(from, to, this.#bounds.shareBytes)
    const isSilent = victim.silentMs(nowMs) >= this.#bounds.hedgeMs
    if (!isSilent && middle !== undefined) {
      const [part] = within(reachable, span(middle, to))
      return part?.from === middle ? { part, cut: victim } : {}
    }
    return { part: within(reachable, span(from, to))[0] }
  }

  /** What is missing and may be fetched now. */
  #within(has: ByteRanges | undefined): ByteRanges {
    const ahead = this.#readTo === undefined ? Infinity : this.#readTo + this.#bounds.windowBytes
    const wanted = within(this.#missing, span(0, ahead))
    return has === undefined ? wanted : within(wanted, has)
  }

  /** Silent or slow, and so is everybody else who is asked for its rest. */
  #needsHelp(provider: AskedProvider, nowMs: number): boolean {
    if (!this.#isLate(provider, nowMs)) return false
    return !this.#asked.some(
      other => other !== provider && overlaps(other.left, provider.left) && !this.#isLate(other, nowMs)
    )
  }

  #isLate(provider: AskedProvider, nowMs: number): boolean {
    if (nowMs - provider.question!.askedMs < this.#bounds.hedgeMs) return false
    return provider.silentMs(nowMs) >= this.#bounds.hedgeMs || provider.restMs(nowMs) > this.#bounds.shareMs
  }
}

const overlaps = (a: Span, b: Span): boolean => Math.max(a.from, b.from) < Math.min(a.to, b.to)

/** Where a range is divided: in its middle, where leaves of all profiles begin; undefined for one that is short or open. */
function halfway(from: number, to: number, unit: number): number | undefined {
  if (to === Infinity || to - from < 2 * unit) return undefined
  const middle = Math.ceil((from + to) / 2 / unit) * unit
  return middle > from && middle < to ? middle : undefined
}

/** Those that have not failed first, linked ones before others, then the faster. */
const byMerit = (a: AskedProvider, b: AskedProvider): number =>
  a.failures - b.failures ||
  a.misses - b.misses ||
  VIA.indexOf(a.found.via) - VIA.indexOf(b.found.via) ||
  b.pace - a.pace

const VIA: readonly string[] = ['hint', 'link', 'dht']
