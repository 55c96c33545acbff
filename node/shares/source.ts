import { SHARES, clip, cut, isInOrder, join, meet, minus, rotated, wanted } from '../../federation/index.ts'
import type { Offer, Range, Ranges } from '../../federation/index.ts'
import { OapError, clampRetryAfter, federationService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import type { Agreements } from './agreements.ts'
import type { Series, ShareBook } from './book.ts'
import { seriesText } from './rows.ts'
import type { SeriesName } from './rows.ts'
import type { Asked, Taking } from './taking.ts'

const CALL_MS = 15_000
/** Pages of one share, and calls for messages of one series, in one round; what is left comes in the next. */
const MOST_PAGES = 64
const MOST_PULLS = 512
/** Calls in a row of which nothing came, after which a series is left for the next round. */
const MOST_BARREN = 8
/** The longest that a hub which answers wrongly, or not, is left alone. */
const MOST_PAUSE_MS = 60_000
/** After a call that failed, or a round in which something could not be taken, the next one begins so soon, then twice as late each time. */
const SOON_MS = 500

export interface SourceOptions {
  readonly self: string
  readonly hub: string
  readonly caller: Pick<ConnectionCaller, 'client'>
  readonly agreements: Pick<Agreements, 'incoming' | 'in' | 'from'>
  readonly book: () => ShareBook | undefined
  readonly taking: () => Taking | undefined
  readonly nowMs: () => number
  /** Something of a series came from here, and is durable. */
  readonly took: (name: SeriesName) => void
  /** A round went through to its end. */
  readonly done: () => void
  /** Something was not to be had from here. */
  readonly missed: (name: SeriesName) => void
  readonly failed: (error: unknown) => void
  /** Own numbers here are behind what the hub has. */
  readonly renewed: (share: string) => void
}

interface Row {
  readonly origin: string
  readonly series: number
  readonly first: number
  readonly last: number
  readonly missing: readonly (readonly number[])[]
  readonly top?: string | undefined
  readonly terms?: string | undefined
}

/**
 * What comes from one linked hub: rounds over all that it has, and what was announced. One call at a time, so that a hub
 * which answers late holds up nobody but itself. Ends with its link.
 */
export class Source {
  readonly hub: string
  readonly #o: SourceOptions
  readonly #end = new AbortController()
  readonly #hints = new Map<string, SeriesName>()
  readonly #again = new Map<string, SeriesName & { readonly number: number }>()
  /** Where the last round stopped to ask, by series: the next goes on from there. */
  readonly #cursors = new Map<string, number>()
  #isRoundDue = true
  #pausedMs = -Infinity
  #running: Promise<void> | undefined
  #isHeldUp = false
  /** Rounds in a row in which something could not be taken. */
  #heldUp = 0
  #againMs = Infinity
  /** In a row. */
  #failures = 0

  constructor(options: SourceOptions) {
    this.#o = options
    this.hub = options.hub
  }

  /** Has a round begin as soon as it may. */
  due(): void {
    this.#isRoundDue = true
    this.#run()
  }

  /** Whether this hub may have a series, and can be asked now. */
  mayBring(name: SeriesName): boolean {
    return this.#mayWork && this.#isFrom(name)
  }

  /** Something of a series was announced that this hub may have. */
  hint(name: SeriesName): void {
    this.#hints.set(seriesText(name), name)
    this.#run()
  }

  /** Another hub failed: what this one may have of it is asked for here. */
  hintAll(): void {
    for (const share of this.#o.agreements.incoming(this.hub))
      for (const series of this.#o.book()?.of(share) ?? [])
        if (series.claimed > series.stored.last) this.#hints.set(seriesText(series), series)
    this.#run()
  }

  /** A number that is settled here may have another message there. */
  again(name: SeriesName, number: number): void {
    if (this.#again.size >= MOST_AGAIN) return
    this.#again.set(seriesText(name), { ...name, number })
    this.#run()
  }

  /** For a timer: goes on after a pause. */
  tick(): void {
    if (this.#o.nowMs() >= this.#againMs) {
      this.#againMs = Infinity
      this.#isRoundDue = true
    }
    if (this.#isDue) this.#run()
  }

  get #isDue(): boolean {
    return this.#isRoundDue || this.#hints.size > 0 || this.#again.size > 0
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  /** Resolves when nothing is under way. Never rejects. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #run(): void {
    if (this.#running !== undefined || !this.#mayWork) return
    this.#running = this.#work().finally(() => {
      this.#running = undefined
    })
  }

  get #mayWork(): boolean {
    return this.#o.nowMs() >= this.#pausedMs && !this.#end.signal.aborted
  }

  async #work(): Promise<void> {
    try {
      while (this.#isDue && this.#mayWork) {
        const [hint] = this.#hints.values()
        const [again] = this.#again.values()
        if (again !== undefined) {
          this.#again.delete(seriesText(again))
          if (this.#isFrom(again)) await this.#look(again, again.number)
        } else if (hint !== undefined) {
          this.#hints.delete(seriesText(hint))
          await this.#follow(hint)
        } else {
          this.#isRoundDue = false
          await this.#round()
        }
      }
    } catch (error) {
      this.#isRoundDue = true
      this.#pause(error)
      if (!this.#end.signal.aborted) this.#o.failed(error)
    }
  }

  #pause(error: unknown): void {
    const retryMs = error instanceof OapError ? error.retryAfterMs : undefined
    const asSaid = retryMs === undefined ? 0 : Math.min(clampRetryAfter(retryMs), MOST_PAUSE_MS)
    const ms = Math.max(asSaid, Math.min(MOST_PAUSE_MS, SOON_MS * 2 ** this.#failures++))
    this.#pausedMs = this.#o.nowMs() + ms
  }

  async #round(): Promise<void> {
    this.#isHeldUp = false
    for (const share of this.#o.agreements.incoming(this.hub)) await this.#shareRound(share)
    this.#o.done()
    this.#failures = 0
    if (this.#isHeldUp || this.#isBehind) this.#soon()
    else this.#heldUp = 0
  }

  /** Whether there is something that this hub may have and did not give. */
  get #isBehind(): boolean {
    return this.#o.agreements
      .incoming(this.hub)
      .flatMap(share => this.#o.book()?.of(share) ?? [])
      .some(one => one.claimed > one.stored.last && this.#isFrom(one))
  }

  /** A key that is not known yet, a full mailbox, a hub between that has it in a moment: each may be over soon, or not. */
  #soon(): void {
    const ms = Math.min(MOST_PAUSE_MS, SOON_MS * 2 ** this.#heldUp++)
    this.#againMs = Math.min(this.#againMs, this.#o.nowMs() + ms)
  }

  async #shareRound(share: string): Promise<void> {
    let after: { origin: string; series: number } | undefined
    for (let page = 0; page < MOST_PAGES; page++) {
      const asked = { share, ...(after && { after }) }
      const { rows, more } = await this.#client().share_state(asked, this.#call)
      for (const row of rows) {
        if (this.#o.agreements.in(this.hub, share) === undefined) return
        if (!isAhead(row, after)) throw new OapError('bad_payload', 'the rows of a share are not in order')
        after = { origin: row.origin, series: row.series }
        await this.#row(share, row)
      }
      if (!more || rows.length === 0) return
    }
  }

  async #row(share: string, row: Row): Promise<void> {
    const { origin, series } = row
    const name = { share, origin, series }
    const book = this.#o.book()
    const offer = offerIn(row)
    if (book === undefined || offer === undefined) return
    if (origin === this.#o.self) {
      if (await book.surpassed(name, offer.last)) this.#o.renewed(share)
      return
    }
    if (!this.#isFrom(name)) return
    const way = this.#o.agreements.from(origin, share)!
    const known = book.find(name) ?? (offer.last > 0 ? book.open(name, way.windowS) : undefined)
    if (known === undefined) return
    if (origin === this.hub) {
      await book.giveUpBelow(known, Math.min(offer.first, offer.last + 1))
      await book.underTerms(known, `${row.terms ?? ''}${way.terms}`)
    }
    known.claimed = Math.max(known.claimed, Math.min(offer.last, known.stored.last + SHARES.ahead))
    await this.#compare(known, row)
    await this.#fetch(known, offer)
  }

  /** What was announced, as far as it is not there. */
  async #follow(name: SeriesName): Promise<void> {
    const known = this.#o.book()?.find(name)
    if (known === undefined || !this.#isFrom(name)) return
    const { first, last } = known.stored
    // Older gaps are the next round's matter.
    const offer = { first: Math.max(first, last + 1), last: known.claimed, missing: [] }
    if (offer.first <= offer.last) await this.#fetch(known, offer)
    if (known.stored.last >= known.claimed || known.asked.size > 0) return
    this.#soon()
    this.#o.missed(name)
  }

  #isFrom({ share, origin }: SeriesName): boolean {
    const way = this.#o.agreements.from(origin, share)
    const brought = this.#o.agreements.in(this.hub, share)
    if (way === undefined || brought === undefined) return false
    return origin === this.hub || (way.relay && brought.relay)
  }

  /** Another id for what is settled here is looked at again. */
  async #compare(known: Series, { last, top }: Row): Promise<void> {
    if (top === undefined || last > known.stored.last) return
    const here = await this.#o.book()?.rows.message(known, last)
    if (here === undefined || here.id === top) return
    await this.#look(known, last)
  }

  async #look({ share, origin, series }: SeriesName, number: number): Promise<void> {
    await this.#pull({ share, origin, series, source: this.hub, numbers: [[number, number]], isAgain: true })
  }

  /**
   * One pass over what is lacking and offered, from where the last one stopped: what the hub does not give is passed
   * over, and nothing is asked for that another is asked for at the moment.
   */
  async #fetch(known: Series, offer: Offer): Promise<void> {
    const name = seriesText(known)
    let left = rotated(wanted(known.stored, offer), this.#cursors.get(name) ?? 0)
    let [pulls, barren, isOver] = [0, 0, false]
    while (left.length > 0 && barren < MOST_BARREN && !isOver) {
      // Ascending but where the pass begins anew from the lowest.
      const start = ascendingStart(left)
      // What was not looked at touches what comes next, and no call may name the two apart.
      const { taken, rest } = cut(join(start, []), {
        numbers: SHARES.askedNumbers,
        stretches: SHARES.askedStretches
      })
      left = [...rest, ...left.slice(start.length)]
      const pulled = await this.#part(known, offer, taken)
      left = [...pulled.again, ...left]
      barren = pulled.taken > 0 ? 0 : barren + 1
      this.#isHeldUp ||= pulled.isHeldUp
      isOver = pulled.isHeldUp || ++pulls === MOST_PULLS || this.#end.signal.aborted
    }
    const [next] = left
    if (next === undefined) this.#cursors.delete(name)
    else this.#remember(name, next[0])
    if (pulls === MOST_PULLS) this.#isRoundDue = true
  }

  async #part(known: Series, offer: Offer, part: Ranges): Promise<Part> {
    const elsewhere = [...known.asked]
      .filter(([hub]) => hub !== this.hub)
      .reduce<Ranges>((left, [, ranges]) => minus(left, ranges), part)
    const numbers = meet(elsewhere, wanted(known.stored, offer))
    if (numbers.length === 0) return NONE
    const { share, origin, series } = known
    known.asked.set(this.hub, numbers)
    try {
      return await this.#pull({ share, origin, series, source: this.hub, numbers })
    } finally {
      known.asked.delete(this.hub)
    }
  }

  /** Asks for numbers and takes what comes. */
  async #pull(asked: Asked): Promise<Part> {
    const { share, origin, series } = asked
    const numbers = asked.numbers.map(([from, to]) => [from, to])
    const answer = await this.#client().share_pull({ share, origin, series, numbers }, this.#call)
    const book = this.#o.book()
    const taking = this.#o.taking()
    const known = book?.find(asked)
    if (taking === undefined || book === undefined || known === undefined)
      throw new OapError('not_ready', 'the mailbox is not open')
    const items = answer.items.map(({ line, body = NOTHING }) => ({ line, body }))
    const outcomes = await taking.takeAll(asked, items)
    if (outcomes.includes('wrong'))
      throw new OapError('bad_payload', 'the hub answers with what was not asked for', {
        retryAfterMs: MOST_PAUSE_MS
      })
    const withheld = origin === this.hub ? meet(rangesIn(answer.withheld), asked.numbers) : []
    if (asked.isAgain !== true) await book.withhold(known, withheld)
    this.#o.took({ share, origin, series })
    const [lowest] = asked.numbers[0]!
    const { next = Infinity } = answer
    return {
      taken: outcomes.filter(outcome => outcome === 'taken').length + withheld.length,
      isHeldUp: outcomes.includes('later'),
      // An answer that goes no further would be asked for without end.
      again: next > lowest && next < Infinity ? clip(asked.numbers, next, Number.MAX_SAFE_INTEGER) : []
    }
  }

  #remember(name: string, number: number): void {
    const [oldest] = this.#cursors.keys()
    if (this.#cursors.size >= MOST_CURSORS && oldest !== undefined) this.#cursors.delete(oldest)
    this.#cursors.set(name, number)
  }

  #client() {
    return this.#o.caller.client(federationService)
  }

  get #call() {
    return { deadlineMs: CALL_MS, signal: this.#end.signal }
  }
}

/** What one call brought. */
interface Part {
  readonly taken: number
  /** Something could not be taken now. */
  readonly isHeldUp: boolean
  /** What the hub has not looked at. */
  readonly again: Ranges
}

const NONE: Part = { taken: 0, isHeldUp: false, again: [] }
const NOTHING = new Uint8Array(0)
const MOST_CURSORS = 1024
const MOST_AGAIN = 64

const isAhead = (
  { origin, series }: Row,
  after: { readonly origin: string; readonly series: number } | undefined
): boolean =>
  after === undefined || origin > after.origin || (origin === after.origin && series > after.series)

/** What a row says that there is; undefined for what makes no sense. */
function offerIn({ first, last, missing: stretches }: Row): Offer | undefined {
  const missing = rangesIn(stretches)
  const isWithin = missing.every(([from, to]) => from >= first && to < last)
  return first <= last + 1 && isWithin && isInOrder(missing) ? { first, last, missing } : undefined
}

const rangesIn = (stretches: readonly (readonly number[])[]): Ranges => {
  const ranges = stretches.map(([from, to]): Range => [from!, to!])
  return isInOrder(ranges) ? ranges : []
}

/** Up to where ranges begin anew from the lowest. */
function ascendingStart(ranges: Ranges): Ranges {
  const turn = ranges.findIndex(([from], n) => n > 0 && from < ranges[n - 1]![0])
  return turn < 0 ? ranges : ranges.slice(0, turn)
}
