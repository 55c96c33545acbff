import {
  NEW_TRACK,
  SHARES,
  giveUp,
  isScattered,
  isSettled,
  lagOf,
  minus,
  reopen,
  settle,
  settleAll
} from '../../federation/index.ts'
import type { Range, Ranges, Track } from '../../federation/index.ts'
import type { Beside, BesideRow } from '../stores/mailbox/index.ts'
import { Turns } from '../turns.ts'
import {
  messageRows,
  metaRow,
  noBodyRows,
  noMessageRows,
  noTrackRow,
  rowBytes,
  seriesText,
  trackRow
} from './rows.ts'
import type { SeriesName, ShareRows, StoredMessageRow, StoredTrack } from './rows.ts'

/** Of one origin's messages for one share, with their bodies where they are kept. */
export const MAX_KEPT_BYTES = 1024 ** 3
const SWEPT_AT_ONCE = 256
/** Of so many rows, in one round. */
const ANEW_PAGES = 16

/** A series as this hub has it. */
export interface Series extends SeriesName {
  stored: StoredTrack
  /** The highest number that somebody claims. */
  claimed: number
  /** Numbers that came and are being judged or written, each with its bytes. */
  readonly taking: Map<number, number>
  /** What is asked of which hub at this moment. */
  readonly asked: Map<string, Ranges>
  /** Linked hubs that did not have what is claimed, since more was claimed. */
  readonly lackedBy: Set<string>
}

export interface BookOptions {
  readonly self: string
  readonly nowMs: () => number
  /** Which audit log this node writes; undefined without one. */
  readonly log: string | undefined
  /** Whether batches that were durable are gone from the store. */
  readonly isCutShort: boolean
  readonly commit: (beside: Beside) => Promise<void>
  readonly onDamaged: (row: string) => void
}

/**
 * What this hub has numbered itself and what it has settled of others, over the rows of an open store. The numbers here
 * are those of all changes in their order; a store that fails takes this book with it, and another is read.
 *
 * A number is written in one step with its message. Whoever can write to the store can have messages delivered again, or
 * never; they can sign nothing. A store that is older than this hub, from a backup, has its own numbers begin anew in a
 * later series: it knows that by its audit log, which is another one after a restore, by batches that are gone, or by
 * what other hubs have of its own series.
 */
export class ShareBook {
  readonly rows: ShareRows
  readonly #o: BookOptions
  readonly #series = new Map<string, Series>()
  readonly #ofShare = new Map<string, readonly Series[]>()
  /** Own series that must not go on. */
  #isFresh = false
  #renewedMs = -Infinity
  readonly #withdrawals = new Turns()

  private constructor(options: BookOptions, rows: ShareRows) {
    this.#o = options
    this.rows = rows
  }

  static async open(rows: ShareRows, options: BookOptions): Promise<ShareBook> {
    const book = new ShareBook(options, rows)
    for (const { share, origin, series, ...stored } of await rows.tracks(row => {
      book.#isFresh = true
      options.onDamaged(row)
    }))
      book.#put({ share, origin, series }, stored)
    const log = await rows.log()
    const { log: now } = options
    const isOther = log !== undefined && now !== undefined && log !== now
    if (isOther || options.isCutShort) book.#isFresh = true
    if (book.#isFresh) await book.#renewAll()
    if (now !== undefined && log !== now) await options.commit({ bytes: 100, rows: () => [metaRow(now)] })
    return book
  }

  /** All series of a share, by origin and series. */
  of(share: string): readonly Series[] {
    return this.#ofShare.get(share) ?? []
  }

  all(): Iterable<Series> {
    return this.#series.values()
  }

  find(name: SeriesName): Series | undefined {
    return this.#series.get(seriesText(name))
  }

  /** The series of another hub, to be settled in; undefined where there are as many as are kept. */
  open(name: SeriesName, windowS: number): Series | undefined {
    const known = this.find(name)
    if (known !== undefined) {
      if (known.stored.windowS !== windowS) known.stored = { ...known.stored, windowS }
      return known
    }
    const others = this.of(name.share).filter(({ origin }) => origin === name.origin)
    if (others.length >= SHARES.series) return undefined
    return this.#put(name, { ...NEW_TRACK, bytes: 0, gap: 0, at: 0, windowS })
  }

  /** The series in which this hub numbers now. */
  own(share: string): Series {
    const newest = this.#newest(share)
    if (newest !== undefined) return newest
    return this.#put(
      { share, origin: this.#o.self, series: Math.max(1, this.#o.nowMs()) },
      { ...NEW_TRACK, bytes: 0, gap: 0, at: 0, windowS: 0 }
    )
  }

  /** The series of each share in which this hub has numbered something. */
  newestOwn(): readonly Series[] {
    return [...this.#ofShare.keys()].flatMap(share => {
      const newest = this.#newest(share)
      return newest !== undefined && newest.stored.last >= newest.stored.first ? [newest] : []
    })
  }

  /** How long own messages of shares are kept, from the next one on. */
  keepOwn(shares: readonly string[], windowOf: (share: string) => number): void {
    for (const share of shares) {
      const series = this.own(share)
      const windowS = windowOf(share)
      if (series.stored.windowS !== windowS) series.stored = { ...series.stored, windowS }
    }
  }

  /** Whether there is room for another message of an origin in a share. */
  hasRoom({ share, origin }: Pick<SeriesName, 'share' | 'origin'>, bytes: number): boolean {
    let kept = bytes
    for (const one of this.of(share)) {
      if (one.origin !== origin) continue
      kept += one.stored.bytes
      for (const coming of one.taking.values()) kept += coming
    }
    return kept <= MAX_KEPT_BYTES
  }

  /** Rows that settle a number, to be written in this order; none for one that was given up. */
  settled(
    series: Series,
    number: number,
    settled: Omit<StoredMessageRow, 'bytes'>,
    body: Uint8Array | undefined,
    /** Of the row that it takes the place of. */
    beforeBytes = 0
  ): readonly BesideRow[] {
    const { stored } = series
    if (number < stored.first) return []
    const track = settle(stored, number)
    const message = { ...settled, bytes: rowBytes(settled, body) }
    series.stored = {
      ...stored,
      ...track,
      bytes: Math.max(0, stored.bytes + message.bytes - beforeBytes),
      at: Math.max(stored.at, message.at),
      gap: stored.gap + (message.state === 'stale' ? 1 : 0)
    }
    series.claimed = Math.max(series.claimed, number)
    return [trackRow(series, series.stored), ...messageRows(series, number, message, body)]
  }

  /** Rows that say that an operator released a number which was given up meanwhile, so that it is delivered once. */
  late(series: Series, number: number, settled: Omit<StoredMessageRow, 'bytes'>): readonly BesideRow[] {
    // Known for as long as a message that was released today: its own time is over.
    const at = Math.max(settled.at, Math.floor(this.#o.nowMs() / 1000))
    return messageRows(series, number, { ...settled, at, bytes: 0 }, undefined)
  }

  /**
   * Takes away for good the bodies that hold the same, also of messages that are being written now: their numbers and
   * statements stay. Resolves once that would survive a power cut.
   */
  async withdraw(of: string): Promise<void> {
    await this.#withdrawals.run(of, () => this.#withdrawAll(of))
  }

  async #withdrawAll(of: string): Promise<void> {
    // Behind all that was composed before.
    await this.#o.commit({ bytes: 0, rows: () => [] })
    for (;;) {
      const held = await this.rows.held(of, SWEPT_AT_ONCE)
      if (held.length === 0) return
      const found = await Promise.all(
        held.map(async one => ({ ...one, message: await this.rows.message(one.name, one.number) }))
      )
      await this.#o.commit({
        bytes: found.reduce((sum, { message }) => sum + 512 + (message?.line.length ?? 0), 0),
        rows: () => found.flatMap(({ name, number, message }) => this.#withdrawn(name, number, of, message))
      })
    }
  }

  #withdrawn(
    name: SeriesName,
    number: number,
    of: string,
    message: StoredMessageRow | undefined
  ): readonly BesideRow[] {
    const gone = noBodyRows(name, number, { of })
    const series = this.find(name)
    if (message === undefined || series === undefined || number < series.stored.first) return gone
    const left: StoredMessageRow = { ...message, bytes: rowBytes(message, undefined), isWithdrawn: true }
    const bytes = Math.max(0, series.stored.bytes + left.bytes - message.bytes)
    series.stored = { ...series.stored, bytes }
    return [...gone, trackRow(series, series.stored), ...messageRows(series, number, left, undefined)]
  }

  /** Whether a number could be settled now, after all that are being taken. */
  canSettle({ stored, taking }: Series, number: number): boolean {
    // Each number makes one stretch more at the most.
    if (stored.missing.length + taking.size < SHARES.stretches) return true
    let track: Track = stored
    for (const coming of taking.keys()) track = settle(track, coming)
    return !isScattered(settle(track, number))
  }

  /** Settles what the origin withholds. */
  async withhold(series: Series, ranges: Ranges): Promise<void> {
    if (ranges.length === 0) return
    await this.#change(series, track =>
      ranges.reduce<Track>((all, range: Range) => {
        const next = settleAll(all, range)
        return isScattered(next) ? all : next
      }, track)
    )
  }

  /**
   * What the origin withheld, or was refused for its topic, may be had under other terms: it is missing again, some of it
   * at a time, as far as its window goes.
   */
  async underTerms(series: Series, terms: string): Promise<void> {
    if (series.stored.terms !== terms) {
      const { first, last } = series.stored
      series.stored = { ...series.stored, terms, anew: first <= last ? first : undefined }
    }
    for (let page = 0; page < ANEW_PAGES && series.stored.anew !== undefined; page++)
      if (!(await this.#openPage(series, series.stored.anew))) return
  }

  /** False where there is no room for more. */
  async #openPage(series: Series, from: number): Promise<boolean> {
    const { last, missing, windowS } = series.stored
    const found = await this.rows.messages(series, from, last, SWEPT_AT_ONCE)
    const end = found.length < SWEPT_AT_ONCE ? last : found.at(-1)!.number
    const staleS = this.#o.nowMs() / 1000 - windowS
    const here = found.filter(({ message }) => message?.state !== 'refused')
    const old = found.findLast(({ message }) => message !== undefined && message.at < staleS)?.number ?? 0
    const start = Math.max(from, old + 1)
    const settled: Ranges = start > end ? [] : minus([[start, end]], missing)
    const absent = minus(
      settled,
      here.map(({ number }) => [number, number])
    )
    let isRoom = true
    await this.#change(series, track => {
      const { track: opened, rest } = reopen(track, absent)
      isRoom = rest === undefined
      const anew = rest ?? (end < last ? end + 1 : undefined)
      return { ...opened, anew }
    })
    return isRoom
  }

  /** The origin says that nothing below a number is to be had any more. */
  async giveUpBelow(series: Series, first: number): Promise<void> {
    if (first <= series.stored.first) return
    await this.#o.commit({
      bytes: 300,
      rows: () => {
        const { track, gap } = giveUp(series.stored, first)
        series.stored = { ...series.stored, ...track, gap: series.stored.gap + gap }
        return [trackRow(series, series.stored)]
      }
    })
  }

  /**
   * Another hub has numbers of an own series that this one never gave: the store is older than the hub. Numbers go on in
   * a later series, at most once a day, since the other hub's word is all there is.
   */
  async surpassed({ share, series }: SeriesName, last: number): Promise<boolean> {
    const nowMs = this.#o.nowMs()
    const newest = this.#newest(share)
    if (newest === undefined || series > nowMs + 60_000) return false
    const isOlder = series > newest.series || (series === newest.series && last > newest.stored.last)
    if (!isOlder || nowMs - this.#renewedMs < 24 * 3_600_000) return false
    this.#renewedMs = nowMs
    await this.#renew(share, series)
    return true
  }

  /** Forgets what is too old to be asked for or sent again. */
  async sweep(): Promise<void> {
    const nowS = this.#o.nowMs() / 1000
    for (const series of this.#series.values()) {
      await this.#sweepOne(series, nowS)
      await this.#sweepLate(series, nowS)
      const { first, last } = series.stored
      const isOver = first > last && series.stored.at + series.stored.windowS + SHARES.knownS < nowS
      if (isOver && this.#isOlder(series)) {
        await this.#o.commit({ bytes: 100, rows: () => [noTrackRow(series)] })
        this.#series.delete(seriesText(series))
        this.#ofShare.set(
          series.share,
          this.of(series.share).filter(one => one !== series)
        )
      }
    }
  }

  /** Of the series of one origin, or of all: numbers that are claimed and not here, and those that never came. */
  counts(origin?: string): { readonly lag: number; readonly gap: number } {
    let [lag, gap] = [0, 0]
    for (const one of this.#series.values()) {
      if (one.origin === this.#o.self || (origin !== undefined && one.origin !== origin)) continue
      lag += lagOf(one.stored, one.claimed)
      gap += one.stored.gap
    }
    return { lag, gap }
  }

  isKnown(name: SeriesName, number: number): boolean {
    const series = this.find(name)
    return series !== undefined && isSettled(series.stored, number)
  }

  /** Rows of what was released late. */
  async #sweepLate(series: Series, nowS: number): Promise<void> {
    const { first, windowS } = series.stored
    const late = await this.rows.messages(series, 0, first - 1, SWEPT_AT_ONCE)
    const old = late.filter(
      ({ message }) => message === undefined || message.at + windowS + SHARES.knownS < nowS
    )
    if (old.length === 0) return
    await this.#o.commit({
      bytes: 100 * old.length,
      rows: () => old.flatMap(({ number, message }) => noMessageRows(series, number, message))
    })
  }

  async #sweepOne(series: Series, nowS: number): Promise<void> {
    for (;;) {
      const { first, last, windowS } = series.stored
      if (first > last) return
      const found = await this.rows.messages(series, first, last, SWEPT_AT_ONCE)
      const end = found.findIndex(
        ({ message }) => message !== undefined && message.at + windowS + SHARES.knownS >= nowS
      )
      const old = end < 0 ? found : found.slice(0, end)
      if (old.length === 0) return
      await this.#o.commit({
        bytes: 100 * old.length,
        rows: () => {
          const { track, gap } = giveUp(series.stored, old.at(-1)!.number + 1)
          const freed = old.reduce((sum, { message }) => sum + (message?.bytes ?? 0), 0)
          series.stored = {
            ...series.stored,
            ...track,
            bytes: Math.max(0, series.stored.bytes - freed),
            gap: series.stored.gap + gap
          }
          return [
            trackRow(series, series.stored),
            ...old.flatMap(({ number, message }) => noMessageRows(series, number, message))
          ]
        }
      })
      if (end >= 0) return
    }
  }

  async #change(
    series: Series,
    how: (track: Track) => Track & { readonly anew?: number | undefined }
  ): Promise<void> {
    await this.#o.commit({
      bytes: 300,
      rows: () => {
        series.stored = { ...series.stored, ...how(series.stored) }
        return [trackRow(series, series.stored)]
      }
    })
  }

  #newest(share: string): Series | undefined {
    const { self } = this.#o
    return this.of(share).findLast(({ origin }) => origin === self)
  }

  #isOlder({ share, origin, series }: Series): boolean {
    return this.of(share).some(one => one.origin === origin && one.series > series)
  }

  async #renewAll(): Promise<void> {
    const { self } = this.#o
    const shares = new Set(
      [...this.#series.values()].filter(one => one.origin === self).map(one => one.share)
    )
    for (const share of shares) await this.#renew(share, 0)
  }

  /** Begins the next own series of a share; written at once, so that a crash does not go on with the old one. */
  async #renew(share: string, beyond: number): Promise<void> {
    const known = this.#newest(share)?.series ?? 0
    const series = Math.max(this.#o.nowMs(), known + 1, beyond + 1)
    const name = { share, origin: this.#o.self, series }
    const windowS = this.#newest(share)?.stored.windowS ?? 0
    const begun = this.#put(name, { ...NEW_TRACK, bytes: 0, gap: 0, at: 0, windowS })
    await this.#o.commit({ bytes: 300, rows: () => [trackRow(begun, begun.stored)] })
  }

  #put(name: SeriesName, stored: StoredTrack): Series {
    const series: Series = {
      ...name,
      stored,
      claimed: stored.last,
      taking: new Map(),
      asked: new Map(),
      lackedBy: new Set()
    }
    this.#series.set(seriesText(name), series)
    this.#ofShare.set(name.share, [...this.of(name.share), series].sort(byName))
    return series
  }
}

const byName = (a: SeriesName, b: SeriesName): number =>
  a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : a.series - b.series
