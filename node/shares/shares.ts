import type { DelegationBook } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import type { Mailbox, Outgoing, SharedSending } from '../mailbox/index.ts'
import type { BesideRow } from '../stores/mailbox/index.ts'
import type { Acceptance } from '../policy/index.ts'
import { SHARED_MESSAGE, SHARES, parseSigned } from '../../federation/index.ts'
import { askOthersFor } from './asking.ts'
import type { Agreements } from './agreements.ts'
import { ShareBook } from './book.ts'
import type { BookOptions } from './book.ts'
import { HeldBackAnnouncements } from './held-back.ts'
import type { Refusals } from './refusals.ts'
import type { SeriesName, ShareRows } from './rows.ts'
import { sharedSending } from './sending.ts'
import type { MessageSigner, Numbered } from './sending.ts'
import { Serving } from './serving.ts'
import { Source } from './source.ts'
import { Taking } from './taking.ts'
import type { Elsewhere } from './taking.ts'

const SWEEP_EVERY_MS = 60_000

/** A link, as far as shares go. */
export interface ShareLink {
  readonly hub: string
  readonly caller: Pick<ConnectionCaller, 'client'>
}

export interface SharesOptions {
  readonly self: string
  readonly agreements: Agreements
  readonly acceptance: Pick<Acceptance, 'take'>
  readonly keysOf: (hub: string) => DelegationBook
  readonly signer: () => MessageSigner | undefined
  readonly needSigner: () => Promise<void>
  readonly refusals: Refusals
  readonly now: () => { readonly ms: number; readonly s: number }
  /** Unix ms. */
  readonly nowMs: () => number
  /** Hears of own messages once they are durable. */
  readonly stored: (numbered: readonly Numbered[]) => void
  /** A message of another hub was delivered here. */
  readonly delivered: () => void
  /** An origin has signed two messages of one number; both are lines of signed statements. */
  readonly onEquivocation: (first: string, second: string) => void
  /** A hub did not give what it was asked for. */
  readonly failed: (hub: string, error: unknown) => void
  readonly sweepFailed: (error: unknown) => void
  /** Numbers of a share go on in a later series: another hub has more of the last one than this store. */
  readonly renewed: (share: string) => void
  /** Takes what of a tenant's topics is not for the mailbox. */
  readonly elsewhere?: Elsewhere | undefined
}

export interface SendOptions {
  /** Asked at the time at which it would be numbered. */
  readonly isWithdrawn?: (() => boolean) | undefined
  /** By what its body can be withdrawn later: the same for all messages that hold the same; without `/`. */
  readonly of?: string | undefined
}

/** The book and the mailbox of a store while it is open. */
interface Open {
  readonly book: ShareBook
  readonly taking: Taking
  readonly mailbox: Pick<Mailbox, 'deliver' | 'writeBeside'>
}

/** An announcement as this hub has heard it. */
export interface Heard {
  readonly number: number
  readonly id: string
  /** The linked hub that it came from. */
  readonly from: string
}

/** How it stands with what one hub sends. */
export interface Reconciled {
  /** Of its own messages, as far as anybody says that there are some. */
  readonly lag: number
  readonly gap: number
  /** Unix seconds when a round with it ended last. */
  readonly at: number | undefined
}

/**
 * Shared topics: what this hub sends in shares is numbered with the mailbox's own write, linked hubs are asked for what
 * they have, and what comes is delivered once. It outlives the store and the links, which come and go.
 */
export class Shares {
  readonly serving: Serving
  readonly #o: SharesOptions
  #open: Open | undefined
  readonly #sources = new Map<string, Source>()
  readonly #reconciled = new Map<string, number>()
  readonly #heldBack = new HeldBackAnnouncements(() => this.#o.now().ms)
  #roundMs = -Infinity
  #sweepMs = -Infinity
  #sweeping: Promise<void> | undefined

  constructor(options: SharesOptions) {
    this.#o = options
    const { self, agreements, now } = options
    const book = (): ShareBook => {
      if (this.#open === undefined) throw new OapError('not_ready', 'the mailbox is not open')
      return this.#open.book
    }
    this.serving = new Serving({ self, agreements, book, now })
  }

  /** Reads what a store has; what is sent into it from then on is numbered by the function that this gives. */
  async read(
    rows: ShareRows,
    options: Pick<BookOptions, 'commit' | 'log' | 'isCutShort' | 'onDamaged'>
  ): Promise<{ readonly book: ShareBook; readonly sending: SharedSending }> {
    const { self, nowMs, agreements, signer, needSigner, stored } = this.#o
    const book = await ShareBook.open(rows, { ...options, self, nowMs })
    return { book, sending: sharedSending({ agreements, book, signer, needSigner, nowMs, stored }) }
  }

  /** The mailbox over that store is open. */
  opened(book: ShareBook, mailbox: Pick<Mailbox, 'deliver' | 'writeBeside'>): void {
    const { agreements, acceptance, keysOf, now, refusals, onEquivocation, delivered, elsewhere } = this.#o
    const taking = new Taking({
      agreements,
      book,
      mailbox,
      acceptance,
      keysOf,
      now,
      refusals,
      onEquivocation,
      delivered,
      elsewhere
    })
    this.#open = { book, taking, mailbox }
    for (const source of this.#sources.values()) source.due()
  }

  /** The store closes: what is under way fails, and goes on over the next one. */
  closed(): void {
    this.#open = undefined
  }

  get book(): ShareBook | undefined {
    return this.#open?.book
  }

  up({ hub, caller }: ShareLink): void {
    void this.down(hub)
    const { self, agreements, nowMs, now, failed, renewed } = this.#o
    const source = new Source({
      self,
      hub,
      caller,
      agreements,
      book: () => this.#open?.book,
      taking: () => this.#open?.taking,
      nowMs: () => now().ms,
      took: name => {
        this.#heldBack.came(name, number => this.#open?.book.isKnown(name, number) === true)
      },
      done: () => void this.#reconciled.set(hub, Math.floor(nowMs() / 1000)),
      missed: name => askOthersFor(this.#open?.book.find(name), hub, this.#sources.values()),
      failed: error => {
        failed(hub, error)
        for (const other of this.#sources.values()) if (other !== source) other.hintAll()
      },
      renewed
    })
    this.#sources.set(hub, source)
    source.due()
  }

  async down(hub: string): Promise<void> {
    const source = this.#sources.get(hub)
    this.#sources.delete(hub)
    await source?.stop()
  }

  /** A hub left the allowlist, or its treaty is another. */
  review(hub: string, isGone: boolean): void {
    this.#o.agreements.changed()
    if (isGone) this.#reconciled.delete(hub)
    this.#sources.get(hub)?.due()
  }

  /** Does what is due; for a timer. */
  tick(): void {
    const { ms } = this.#o.now()
    for (const late of this.#heldBack.tick())
      if (!this.#sources.has(late.origin)) this.#askOthers(late, late.origin)
    const isRound = ms >= this.#roundMs + SHARES.everyMs
    if (isRound) this.#roundMs = ms
    for (const source of this.#sources.values()) {
      if (isRound) source.due()
      else source.tick()
    }
    if (ms < this.#sweepMs + SWEEP_EVERY_MS || this.#sweeping !== undefined) return
    this.#sweepMs = ms
    this.#sweeping = this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
  }

  /**
   * An origin says that it has a message of this number, as another hub has told; nothing where that is here, or not to be
   * had. Resolves once it is here, or after a while; undefined where nothing is waited for.
   */
  announced(name: SeriesName, { number, id, from }: Heard): Promise<void> | undefined {
    const open = this.#open
    const way = this.#o.agreements.from(name.origin, name.share)
    if (open === undefined || way === undefined || name.origin === this.#o.self) return undefined
    const series = open.book.open(name, way.windowS)
    if (series === undefined) this.#o.refusals.refuse(name.origin, 'series')
    else if (open.book.isKnown(name, number)) this.#compare(name, number, id)
    else {
      const claimed = Math.min(number, series.stored.last + SHARES.ahead)
      if (claimed > series.claimed) series.lackedBy.clear()
      series.claimed = Math.max(series.claimed, claimed)
      this.#ask(name, from)
      return this.#heldBack.hold(name, number)
    }
    return undefined
  }

  /** Of the origin; or else of the hub that has told of it, which had it by then; or else of all that may have it. */
  #ask(name: SeriesName, from: string): void {
    const origin = this.#sources.get(name.origin)
    const teller = this.#sources.get(from)
    if (origin !== undefined) origin.hint(name)
    else if (teller?.mayBring(name) === true) teller.hint(name)
    else this.#askOthers(name, name.origin)
  }

  /**
   * The newest own message of each share that goes to a hub: announced to one that hears announcements from now on, it
   * lets nothing fall between the round at the beginning of its link and them.
   */
  async newest(hub: string): Promise<readonly Numbered[]> {
    const book = this.#open?.book
    const { agreements } = this.#o
    const found: Numbered[] = []
    for (const own of book?.newestOwn() ?? []) {
      if (book === undefined || agreements.out(hub, own.share) === undefined) continue
      const message = await book.rows.message(own, own.stored.last)
      if (message === undefined) continue
      const { statement } = parseSigned(SHARED_MESSAGE, message.line)
      found.push({ statement, id: message.id })
    }
    return found
  }

  /** Whether a tenant's topic goes out in any share. */
  goesOut(tenant: string, topic: string): boolean {
    return this.#o.agreements.sharesOf(tenant, topic).length > 0
  }

  /**
   * Numbers a message that is in no mailbox; what stands beside it is written in the same step. Resolves once it would
   * survive a power cut, with false and nothing written where its topic goes out in no share. Where it is withdrawn by the
   * time at which it would be numbered, false, and only what stands beside it is written.
   * @throws OapError `not_ready`, and what `sharedSending` throws
   */
  async send(
    outgoing: Outgoing,
    beside: readonly BesideRow[],
    { isWithdrawn = () => false, of }: SendOptions = {}
  ): Promise<boolean> {
    const open = this.#open
    if (open === undefined) throw new OapError('not_ready', 'the mailbox is not open')
    const { nowMs, agreements, signer, needSigner, stored } = this.#o
    const parts = { agreements, book: open.book, signer, needSigner, nowMs, stored }
    const shared = await sharedSending(parts, of)(outgoing)
    if (shared === undefined) return false
    const { bytes, rows } = shared.beside
    let isNumbered = false
    const all = (id: string): readonly BesideRow[] => {
      isNumbered = !isWithdrawn()
      return isNumbered ? [...rows(id), ...beside] : beside
    }
    await open.mailbox.writeBeside({ bytes, rows: all })
    if (isNumbered) shared.stored()
    return isNumbered
  }

  /**
   * Gives no hub what the messages say that hold the same, from now on: their bodies are gone for good, and their numbers,
   * ids and statements stay. Resolves once that would survive a power cut. @throws OapError `not_ready`
   */
  async withdraw(of: string): Promise<void> {
    if (this.#open === undefined) throw new OapError('not_ready', 'the mailbox is not open')
    await this.#open.book.withdraw(of)
  }

  /** What an operator has released from quarantine. */
  async release(line: string, body: Uint8Array): Promise<void> {
    if (this.#open === undefined) throw new OapError('not_ready', 'the mailbox is not open')
    await this.#open.taking.release(line, body)
  }

  of(hub: string): Reconciled {
    const { lag = 0, gap = 0 } = this.#open?.book.counts(hub) ?? {}
    return { lag, gap, at: this.#reconciled.get(hub) }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sources.keys()].map(hub => this.down(hub)))
    await this.#sweeping
  }

  #compare(name: SeriesName, number: number, id: string): void {
    const book = this.#open?.book
    const series = book?.find(name)
    if (book === undefined || series === undefined) return
    book.rows.message(series, number).then(
      here => {
        if (here === undefined || here.id === id) return
        for (const source of this.#sources.values()) source.again(name, number)
      },
      () => undefined
    )
  }

  #askOthers(name: SeriesName, except: string): void {
    for (const source of this.#sources.values()) if (source.hub !== except) source.hint(name)
  }

  async #sweep(): Promise<void> {
    try {
      await this.#open?.book.sweep()
    } catch (error) {
      this.#o.sweepFailed(error)
    }
  }
}
