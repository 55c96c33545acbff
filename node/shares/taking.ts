import { hash } from 'node:crypto'
import {
  SHARED_MESSAGE,
  SHARES,
  federatedId,
  formatSigned,
  holds,
  isSettled,
  parseSigned,
  statementProblem
} from '../../federation/index.ts'
import type { DelegationBook, Ranges, ShareRefusal, SharedMessage, Signed } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Mailbox } from '../mailbox/index.ts'
import type { Acceptance } from '../policy/index.ts'
import type { Agreements, Way } from './agreements.ts'
import type { Series, ShareBook } from './book.ts'
import type { Refusals } from './refusals.ts'
import type { SeriesName, Settled, StoredMessageRow } from './rows.ts'

export interface TakingOptions {
  readonly agreements: Pick<Agreements, 'in' | 'from'>
  readonly book: ShareBook
  readonly mailbox: Pick<Mailbox, 'deliver' | 'writeBeside'>
  readonly acceptance: Pick<Acceptance, 'take'>
  readonly keysOf: (hub: string) => DelegationBook
  readonly now: () => { readonly ms: number; readonly s: number }
  readonly refusals: Pick<Refusals, 'refuse'>
  /** An origin has signed two messages of one number. */
  readonly onEquivocation: (first: string, second: string) => void
  readonly delivered: () => void
  /** Takes what of a tenant's topics is not for the mailbox. */
  readonly elsewhere?: Elsewhere | undefined
}

/** A message that another part than the mailbox takes, judged and verified. */
export interface TakenElsewhere {
  readonly statement: SharedMessage
  readonly body: Uint8Array
  /** Why it was accepted. */
  readonly reasons: readonly string[]
}

/** Where messages of some topics go in the place of the mailbox. */
export interface Elsewhere {
  readonly has: (tenant: string, topic: string) => boolean
  /**
   * Resolves once it would survive a power cut, or with why it is refused for good; one that comes again must change
   * nothing. Rejects with what kept it from being taken for now.
   */
  readonly take: (message: TakenElsewhere) => Promise<ShareRefusal | KeptElsewhere>
}

/** What another part has taken; disposed once its number is settled. */
export interface KeptElsewhere extends Disposable {
  /** By what its body can be withdrawn here. */
  readonly of: string
  /** Whether it is withdrawn by now. */
  readonly isWithdrawn: () => boolean
}

/** What was asked of which hub. */
export interface Asked extends SeriesName {
  readonly source: string
  readonly numbers: Ranges
  /** A number that is settled is asked for again, to compare. */
  readonly isAgain?: boolean
}

export interface Item {
  readonly line: number
  readonly body: Uint8Array
}

/**
 * What became of an item: `taken` for good; `later`, it may come again; `wrong`, the hub that it came from answers
 * wrongly.
 */
export type Outcome = 'taken' | 'later' | 'wrong'

/** What is decided of an item: what became of it, or what will have, once that would survive a power cut. */
type Decided = Outcome | { readonly durable: Promise<Outcome> }

/** Why the hub that a message came from is at fault, and not its origin or this hub. */
const FAULTS: readonly ShareRefusal[] = [
  'malformed',
  'oversized',
  'misnumbered',
  'replayed',
  'body',
  'signature'
]

interface Judged extends Signed<SharedMessage> {
  readonly line: string
  readonly id: string
  readonly body: Uint8Array
  /** Of the row of its number, where there is one already. */
  readonly beforeBytes?: number
  /** By what its body can be withdrawn. */
  readonly of?: string
}

/** Takes messages of other hubs: judges each, and delivers it here in one step with the word that it came. */
export class Taking {
  readonly #o: TakingOptions

  constructor(options: TakingOptions) {
    this.#o = options
  }

  /**
   * Takes the items of one answer: they are judged one after the other, and those that are taken are written together. The
   * first that shows a fault of its source ends it. Resolves, or rejects with the first error, once all that was begun is
   * over; what could not be written comes again, and may then stand behind what came after it.
   */
  async takeAll(asked: Asked, items: readonly Item[]): Promise<readonly Outcome[]> {
    const seen = new Set<number>()
    const begun: Promise<Outcome>[] = []
    try {
      for (const item of items) {
        const decided = await this.#take(asked, item, seen)
        begun.push(typeof decided === 'string' ? Promise.resolve(decided) : decided.durable)
        if (decided === 'wrong') break
      }
    } finally {
      await Promise.allSettled(begun)
    }
    return await Promise.all(begun)
  }

  /** Delivers what an operator has released from quarantine; nothing where it was delivered before. */
  async release(line: string, body: Uint8Array): Promise<void> {
    const { statement, signature } = parseSigned(SHARED_MESSAGE, line)
    const { hub: origin, share, series: number } = statement
    const way = this.#o.agreements.from(origin, share)
    if (way === undefined) throw new OapError('not_shared', 'the share is in no treaty any more')
    const series = this.#o.book.open({ share, origin, series: number }, way.windowS)
    if (series === undefined) throw new OapError('conflict', 'too many series of this origin')
    const known = await this.#o.book.rows.message(series, statement.number)
    if (known?.state === 'delivered') return
    const judged = {
      statement,
      signature,
      line,
      id: federatedId(statement),
      body,
      beforeBytes: known?.bytes ?? 0
    }
    await this.#deliver(series, judged, way, ['released'], true)
  }

  async #take(asked: Asked, item: Item, seen: Set<number>): Promise<Decided> {
    const found = judge(asked, item, seen)
    if (typeof found === 'string') return this.#refused(asked.source, found)
    const { statement } = found
    const { at, number } = statement
    const { agreements, book, now, keysOf } = this.#o
    const way = agreements.from(asked.origin, asked.share)
    if (way === undefined) return this.#refused(asked.source, 'share')
    if (!this.#mayBring(asked, way)) return this.#refused(asked.source, 'relay')
    const nowS = now().s
    const problem = statementProblem(keysOf(asked.origin), SHARED_MESSAGE, found, nowS)
    if (problem !== undefined) return this.#refused(asked.source, problem)
    if (at > nowS + SHARES.skewS) return this.#refused(asked.source, 'clock')
    const series = book.open(asked, way.windowS)
    if (series === undefined) return this.#refused(asked.source, 'series')
    const known = await book.rows.message(series, number)
    if (known !== undefined && known.id !== found.id) return this.#twoIds(asked, known.line, found.line)
    const judged = { ...found, beforeBytes: known?.bytes ?? 0 }
    if (isSettled(series.stored, number) || series.taking.has(number)) return 'taken'
    if (!book.canSettle(series, number)) return this.#refused(asked.source, 'scattered')
    series.taking.set(number, judged.line.length + judged.body.length)
    const over = (): void => void series.taking.delete(number)
    try {
      const decided = await this.#decide(asked, series, judged, way, known)
      if (typeof decided === 'string') {
        over()
        return decided
      }
      const durable = decided.durable.finally(over)
      // Whoever takes all looks at it once all are begun.
      durable.catch(() => undefined)
      return { durable }
    } catch (error) {
      over()
      throw error
    }
  }

  async #decide(
    asked: Asked,
    series: Series,
    judged: Judged,
    way: Way,
    known: StoredMessageRow | undefined
  ): Promise<Decided> {
    const { at, topic } = judged.statement
    const { book, now, refusals } = this.#o
    // One that was refused for its topic may be had under other terms.
    if (known !== undefined && known.state !== 'refused')
      return { durable: this.#settle(series, judged, known.state, known.tenant) }
    if (at < now().s - way.windowS) {
      refusals.refuse(asked.source, 'stale')
      return { durable: this.#settle(series, judged, 'stale', way.tenant) }
    }
    if (!way.has(topic)) {
      refusals.refuse(asked.source, 'topic')
      return { durable: this.#settle(series, judged, 'refused', way.tenant) }
    }
    // Its own bytes are among those that are being taken.
    if (!book.hasRoom(series, 0)) return this.#refused(asked.source, 'full')
    return await this.#accept(asked, series, judged, way)
  }

  async #accept({ origin, share }: Asked, series: Series, judged: Judged, way: Way): Promise<Decided> {
    const { statement, line, body, id } = judged
    const bytes = statement.bytes
    const evidence = {
      kind: 'mailbox.shared',
      origin,
      share,
      id,
      type: 'mailbox.message',
      bytes,
      number: statement.number
    } as const
    const { verdict, reasons, retryAfterMs } = await this.#o.acceptance.take(evidence, {
      statement: Buffer.from(line),
      body
    })
    if (verdict === 'accept') return { durable: this.#deliver(series, judged, way, reasons) }
    if (retryAfterMs !== undefined) return 'later'
    const state = verdict === 'reject' ? 'rejected' : 'quarantined'
    return { durable: this.#settle(series, judged, state, way.tenant) }
  }

  async #deliver(
    series: Series,
    judged: Judged,
    way: Way,
    reasons: readonly string[],
    isReleased = false
  ): Promise<Outcome> {
    const { statement, body, id } = judged
    const { topic, number, priority, attrs, e2e, comp, share, hub } = statement
    const { expires_ms: expiresAtMs, not_before_ms: notBeforeMs } = statement
    if (expiresAtMs !== undefined && expiresAtMs <= this.#o.now().s * 1000)
      return await this.#settle(series, judged, 'expired', way.tenant)
    const kept = way.relay ? body : undefined
    const { elsewhere } = this.#o
    if (elsewhere?.has(way.tenant, topic) === true) {
      const taken = await elsewhere.take({ statement, body, reasons }).catch(laterIfFull)
      if (taken === 'later') return taken
      if (typeof taken === 'string') {
        this.#o.refusals.refuse(hub, taken)
        return await this.#settle(series, judged, 'rejected', way.tenant, isReleased)
      }
      using there = taken
      await this.#o.mailbox.writeBeside({
        bytes: judged.line.length + (kept?.length ?? 0) + 512,
        rows: () => {
          const left = there.isWithdrawn() ? undefined : kept
          return this.#rows(series, { ...judged, of: there.of }, 'delivered', way.tenant, left, isReleased)
        }
      })
      this.#o.delivered()
      return 'taken'
    }
    await this.#o.mailbox.deliver({
      tenant: way.tenant,
      topic,
      priority,
      body,
      attrs,
      e2e,
      comp,
      origin: { hub, share, number, id },
      notBeforeMs,
      expiresAtMs,
      beside: {
        bytes: judged.line.length + (kept?.length ?? 0) + 512,
        rows: () => this.#rows(series, judged, 'delivered', way.tenant, kept, isReleased)
      }
    })
    this.#o.delivered()
    return 'taken'
  }

  async #settle(
    series: Series,
    judged: Judged,
    state: Settled,
    tenant: string,
    isReleased = false
  ): Promise<Outcome> {
    await this.#o.mailbox.writeBeside({
      bytes: judged.line.length + 512,
      rows: () => this.#rows(series, judged, state, tenant, undefined, isReleased)
    })
    return 'taken'
  }

  #rows(
    series: Series,
    { statement: { at, number, topic }, line, id, beforeBytes, of }: Judged,
    state: Settled,
    tenant: string,
    body: Uint8Array | undefined,
    isReleased = false
  ) {
    const row = { state, id, at, tenant, topic, line, of }
    const { book } = this.#o
    return isReleased && number < series.stored.first
      ? book.late(series, number, row)
      : book.settled(series, number, row, body, beforeBytes)
  }

  /** A hub that is not the origin may bring messages where the treaties with both say so. */
  #mayBring({ source, origin, share }: Asked, way: Way): boolean {
    return source === origin || (way.relay && this.#o.agreements.in(source, share)?.relay === true)
  }

  #twoIds({ source }: Asked, first: string, second: string): Outcome {
    this.#o.refusals.refuse(source, 'equivocation')
    this.#o.onEquivocation(first, second)
    return 'later'
  }

  #refused(source: string, why: ShareRefusal): Outcome {
    this.#o.refusals.refuse(source, why)
    return FAULTS.includes(why) ? 'wrong' : 'later'
  }
}

/** Where another part is full, what is for it comes again, and holds up nothing else. */
function laterIfFull(error: unknown): 'later' {
  if (error instanceof OapError && error.code === 'storage_full') return 'later'
  throw error
}

/** What an item says, if it is what was asked for, each number once. Its signature is not verified. */
function judge(asked: Asked, { line: length, body: all }: Item, seen: Set<number>): Judged | ShareRefusal {
  if (length > all.length || length > SHARES.lineChars) return 'malformed'
  const line = Buffer.from(all.buffer, all.byteOffset, length).toString()
  const body = all.subarray(length)
  if (body.length > SHARES.bodyBytes) return 'oversized'
  let signed: Signed<SharedMessage>
  try {
    signed = parseSigned(SHARED_MESSAGE, line)
  } catch (error) {
    if (error instanceof SyntaxError) return 'malformed'
    throw error
  }
  const { statement } = signed
  const { hub, share, series, number } = statement
  const isAsked = hub === asked.origin && share === asked.share && series === asked.series
  if (!isAsked || !holds(asked.numbers, number)) return 'misnumbered'
  if (seen.has(number)) return 'replayed'
  seen.add(number)
  if (statement.bytes !== body.length || hash('sha256', body, 'hex') !== statement.body_sha256) return 'body'
  return { ...signed, line: formatSigned(signed), id: federatedId(statement), body }
}
