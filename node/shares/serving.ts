import { SHARES, countOf, isInOrder, offerOf } from '../../federation/index.ts'
import type { Range, Ranges } from '../../federation/index.ts'
import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { Agreements, Way } from './agreements.ts'
import type { Series, ShareBook } from './book.ts'
import type { SeriesName, StoredMessageRow } from './rows.ts'

/** What one hub may ask, over all its links. */
const ASKED = { burst: 200, perSecond: 50 }
const ASKED_BYTES = { burst: 64 * 1024 * 1024, perSecond: 16 * 1024 * 1024 }
const MOST_HUBS = 1024

export interface ServingOptions {
  readonly self: string
  readonly agreements: Pick<Agreements, 'out' | 'in'>
  /** The book that is open. @throws OapError `not_ready` */
  readonly book: () => ShareBook
  readonly now: () => { readonly ms: number; readonly s: number }
}

export interface StateAsked {
  readonly share: string
  readonly after?: { readonly origin: string; readonly series: number } | undefined
}

export interface StateRow {
  readonly origin: string
  readonly series: number
  readonly first: number
  readonly last: number
  readonly missing: readonly (readonly number[])[]
  readonly top?: string
  readonly terms?: string
}

export interface Pulled extends SeriesName {
  readonly numbers: readonly (readonly number[])[]
}

export interface PullAnswer {
  readonly withheld: readonly (readonly number[])[]
  readonly next?: number
  readonly items: readonly { readonly line: number; readonly body: Uint8Array }[]
}

/** Answers what linked hubs ask about shares. Nothing of a share is told to a hub that is not in it. */
export class Serving {
  readonly #o: ServingOptions
  readonly #calls = new BucketTable(MOST_HUBS)
  readonly #bytes = new BucketTable(MOST_HUBS)

  constructor(options: ServingOptions) {
    this.#o = options
  }

  /** What there is for a hub. @throws OapError `not_shared`, `quota_peer`, `not_ready` */
  async state(hub: string, { share, after }: StateAsked): Promise<{ rows: StateRow[]; more: boolean }> {
    this.#charge(this.#calls, ASKED, hub, 1)
    const { terms } = this.#out(hub, share)
    const book = this.#o.book()
    const all = book.of(share).filter(one => isAfter(one, after) && this.#isFor(hub, one))
    const rows: StateRow[] = []
    let stretches = 0
    for (const one of all) {
      const { first, last, missing } = offerOf(one.stored)
      stretches += missing.length
      if (rows.length === SHARES.rows || (rows.length > 0 && stretches > SHARES.rowStretches))
        return { rows, more: true }
      const top = last >= first ? (await book.rows.message(one, last))?.id : undefined
      rows.push({
        origin: one.origin,
        series: one.series,
        first,
        last,
        missing: missing.map(([from, to]) => [from, to]),
        ...(top !== undefined && { top }),
        ...(one.origin === this.#o.self && { terms })
      })
    }
    return { rows, more: false }
  }

  /** Messages for a hub by their numbers. @throws OapError as `state`, `bad_request` */
  async pull(hub: string, { share, origin, series, numbers: asked }: Pulled): Promise<PullAnswer> {
    this.#charge(this.#calls, ASKED, hub, 1)
    const way = this.#out(hub, share)
    const numbers = asked.map(([from, to]): Range => [from!, to!])
    if (!isInOrder(numbers) || countOf(numbers) > SHARES.askedNumbers)
      throw new OapError('bad_request', `numbers: not ascending, or more than ${SHARES.askedNumbers}`)
    const book = this.#o.book()
    const found = book.find({ share, origin, series })
    if (found === undefined || !this.#isFor(hub, found)) return { withheld: [], items: [] }
    const answer = new Answer(numbers)
    for (const [from, to] of numbers) {
      for (const { number, message } of await book.rows.messages(found, from, to, SHARES.askedNumbers)) {
        if (message === undefined) continue
        const isFor = way.has(message.topic) && message.tenant === way.tenant
        if (!isFor || message.isWithdrawn === true) {
          if (origin === this.#o.self && !answer.withhold(number)) return this.#answered(hub, answer)
          continue
        }
        if (this.#isOver(way, message)) continue
        const body = await book.rows.body(found, number)
        if (body === undefined) continue
        if (!answer.add(number, message, body)) return this.#answered(hub, answer)
      }
    }
    return this.#answered(hub, answer)
  }

  #answered(hub: string, answer: Answer): PullAnswer {
    const { ms } = this.#o.now()
    // What one answer had beyond the allowance the next one waits for.
    this.#bytes.get(hub, ASKED_BYTES, ms).take(Math.min(answer.bytes, ASKED_BYTES.burst), ms)
    return answer.value
  }

  #out(hub: string, share: string): Way {
    const { ms } = this.#o.now()
    if (this.#bytes.get(hub, ASKED_BYTES, ms).take(0, ms) > 0) throw tooMuch(1000)
    const way = this.#o.agreements.out(hub, share)
    if (way !== undefined) return way
    throw new OapError('not_shared', 'this hub sends nothing of this share to the caller')
  }

  /** Whether a hub may have a series: this hub's own, the caller's own, and where all relay, those of others. */
  #isFor(hub: string, { share, origin }: SeriesName): boolean {
    const { self, agreements } = this.#o
    if (origin === self || origin === hub) return true
    return agreements.out(hub, share)?.relay === true && agreements.in(origin, share)?.relay === true
  }

  #isOver({ windowS }: Way, { at }: StoredMessageRow): boolean {
    return at < this.#o.now().s - windowS
  }

  #charge(table: BucketTable, rate: typeof ASKED, hub: string, count: number): void {
    const { ms } = this.#o.now()
    const waitMs = table.get(hub, rate, ms).take(count, ms)
    if (waitMs > 0) throw tooMuch(waitMs)
  }
}

const tooMuch = (waitMs: number): OapError =>
  new OapError('quota_peer', 'too much is asked of shares', { retryAfterMs: clampRetryAfter(waitMs) })

const isAfter = ({ origin, series }: Series, after: StateAsked['after']): boolean =>
  after === undefined || origin > after.origin || (origin === after.origin && series > after.series)

/** An answer that is being put together. */
class Answer {
  readonly #items: { line: number; body: Uint8Array }[] = []
  readonly #withheld: [number, number][] = []
  readonly #asked: Ranges
  bytes = 0
  #next: number | undefined

  constructor(asked: Ranges) {
    this.#asked = asked
  }

  /** False where there is no room for it: the answer ends before it. */
  add(number: number, { line }: StoredMessageRow, body: Uint8Array): boolean {
    const statement = Buffer.from(line)
    const size = statement.length + body.length
    if (this.#items.length > 0 && this.bytes + size > SHARES.answerBytes) return this.#end(number)
    this.#items.push({ line: statement.length, body: Buffer.concat([statement, body]) })
    this.bytes += size
    return true
  }

  withhold(number: number): boolean {
    const last = this.#withheld.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else if (this.#withheld.length === SHARES.askedStretches) return this.#end(number)
    else this.#withheld.push([number, number])
    return true
  }

  get value(): PullAnswer {
    return {
      withheld: this.#withheld,
      items: this.#items,
      ...(this.#next !== undefined && this.#asked.length > 0 && { next: this.#next })
    }
  }

  #end(number: number): false {
    this.#next = number
    return false
  }
}
