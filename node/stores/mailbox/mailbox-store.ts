import type { Level } from '../level.ts'
import { AttemptLog } from './attempt-log.ts'
import { NO_MARK } from './batch-mark.ts'
import type { BatchMark } from './batch-mark.ts'
import { CommitQueue } from './commit-queue.ts'
import { compactMessages } from './compaction.ts'
import { Composer } from './compose.ts'
import { listTopics } from './topic-list.ts'
import { IdemFilters } from './idem-filter.ts'
import { KIND, PREFIX, allOf, messageKey, messagesOf, parsePlace, topicName } from './keys.ts'
import { countedBytes } from './live-rows.ts'
import { LiveRows } from './live-rows.ts'
import { forgetOlder, generationOf } from './idem-generations.ts'
import { openRows } from './opening.ts'
import type { MailboxMigration, Opened } from './opening.ts'
import { checkLimit, nextDue, readDue, readPage } from './pages.ts'
import type { PageParts } from './pages.ts'
import { checkHistory, deadLetter, decodeRecord, storedMessage } from './record.ts'
import { forgetNotes, noteIn, noteKey } from './notes.ts'
import { DamagedCounts, byPriority, countsOf } from './tallies.ts'
import { Ulids } from './ulid.ts'
import type {
  AttemptNote,
  Change,
  Count,
  Counts,
  DeadLetter,
  Due,
  MailboxStore,
  MailboxStoreOptions,
  OpeningReport,
  Outcome,
  Place,
  PurgeOptions,
  Reading,
  State,
  StoredMessage,
  Topic,
  TopicCounts
} from './types.ts'
import { Writer } from './writer.ts'

const PURGE_AT_ONCE = 512
const PRIORITIES = 10

/** Where a message may stand whose id alone is known. */
interface Candidate {
  readonly state: 'ready' | 'delayed'
  readonly priority: number
}

const CANDIDATES: readonly Candidate[] = (['ready', 'delayed'] as const).flatMap(state =>
  Array.from({ length: PRIORITIES }, (_, priority) => ({ state, priority }))
)

type Found = StoredMessage & { readonly state: State }

export interface LevelMailboxOptions extends MailboxStoreOptions {
  /** Closed with the store. */
  readonly mark?: BatchMark | undefined
  readonly migrations?: readonly MailboxMigration[] | undefined
}

/** What an opening gives a store. */
interface OpenedWith extends Opened {
  readonly attempts: AttemptLog
  readonly ulids: Ulids
  readonly filters: IdemFilters
}

/**
 * The messages of a node, in rows of a store that others use too; whoever opened that closes it, after this. Survives a
 * power cut once a commit has resolved. Whoever can write to the store can take, change and invent messages; the checksums
 * are against decay, not against them.
 */
export class LevelMailboxStore implements MailboxStore {
  readonly #level: Level
  readonly #opened: Opened
  readonly #composer: Composer
  readonly #writer: Writer
  readonly #queue: CommitQueue
  readonly #pages: PageParts
  readonly #idemWindowMs: number
  readonly #mark: BatchMark
  readonly #onCorrupt: NonNullable<LevelMailboxOptions['onCorrupt']>

  /** Owns the mark from here on. @throws SetupError `newerFormat`, `badInput` for a mailbox that cannot be read at all. */
  static async open(level: Level, options: LevelMailboxOptions): Promise<LevelMailboxStore> {
    const { mark = NO_MARK, now, idemWindowMs, onCorrupt = () => undefined, migrations } = options
    try {
      const opened = await openRows(level, { mark, now, onCorrupt, migrations })
      const [idemRow] = await level.keys({ ...allOf(KIND.idem), limit: 1 }).all()
      const ulids = new Ulids(opened.lastId)
      const nowMs = Math.max(now(), ulids.timeMs)
      const attempts = await AttemptLog.open(level, onCorrupt)
      const filters = new IdemFilters(generationOf(nowMs, idemWindowMs), idemRow !== undefined)
      return new LevelMailboxStore(
        level,
        { ...opened, attempts, ulids, filters },
        { ...options, mark, onCorrupt }
      )
    } catch (error) {
      await mark.close()
      throw error
    }
  }

  private constructor(
    level: Level,
    opened: OpenedWith,
    {
      now,
      idemWindowMs,
      mark,
      onCorrupt
    }: Required<Pick<LevelMailboxOptions, 'now' | 'idemWindowMs'>> & {
      readonly mark: BatchMark
      readonly onCorrupt: NonNullable<LevelMailboxOptions['onCorrupt']>
    }
  ) {
    const { topics, tenants, report, attempts, ulids, filters } = opened
    const live = new LiveRows()
    this.#level = level
    this.#opened = opened
    this.#idemWindowMs = idemWindowMs
    this.#mark = mark
    this.#onCorrupt = onCorrupt
    const parts = { level, attempts, topics, tenants, live, filters, ulids, now, idemWindowMs, onCorrupt }
    const { lastBatch } = report
    const onRoom = (): void => this.#queue.fill()
    this.#writer = new Writer({ level, topics, tenants, ulids, mark, lastBatch, onRoom }, opened)
    this.#composer = new Composer(parts, this.#writer)
    this.#queue = new CommitQueue(this.#composer, this.#writer)
    this.#pages = {
      level,
      live,
      attempts,
      pending: () => [this.#writer.filling, this.#writer.underWay],
      setAside: (key, state, place, bytes, detail) => {
        this.#writer.composing(() => this.#composer.setAside(key, state, place, bytes, detail))
        this.#written().catch(() => undefined)
      }
    }
  }

  get opened(): OpeningReport {
    return this.#opened.report
  }

  get failure(): unknown {
    return this.#writer.failure
  }

  get waiting(): Count {
    return this.#queue.waiting
  }

  commit(changes: readonly Change[]): Promise<readonly Outcome[]> {
    return this.#queue.commit(changes)
  }

  async noteAttempts(notes: readonly AttemptNote[]): Promise<void> {
    for (const { place, attempts, history } of notes) {
      topicName(place)
      checkHistory(history, attempts)
    }
    if (this.failure !== undefined) throw this.failure
    this.#writer.composing(() => this.#composer.note(notes))
    await this.#written()
  }

  async read(topic: Topic, reading: Reading): Promise<readonly StoredMessage[]> {
    const rows = await readPage(this.#pages, topic, 'ready', reading)
    return rows.map(({ place, record, bytes }) => storedMessage(place, record, bytes))
  }

  async find(topic: Topic, id: string): Promise<Found | undefined> {
    const { byPriority, delayed } = this.counts(topic)
    const candidates = CANDIDATES.map(candidate => ({ ...candidate, ...topic, id }))
    const isLikely = ({ state, priority }: Candidate): boolean =>
      state === 'ready' ? byPriority[priority]! > 0 : delayed.messages > 0
    // A move is in the counts before it is in the rows, and may get there meanwhile: the second look is at all, in one read.
    return (await this.#findAmong(candidates.filter(isLikely))) ?? (await this.#findAmong(candidates))
  }

  async #findAmong(candidates: readonly (Candidate & Place)[]): Promise<Found | undefined> {
    const keys = candidates.map(({ state, priority, id, ...topic }) =>
      messageKey(state, topicName(topic), priority, id)
    )
    const rows = await this.#level.getMany(keys)
    for (const [i, bytes] of rows.entries()) {
      if (bytes === undefined) continue
      const key = keys[i]!
      const { state, ...place } = candidates[i]!
      const record = decodeRecord(key, bytes)
      if (typeof record === 'string') this.#pages.setAside(key, state, place, bytes, record)
      else {
        const attempts = this.#pages.attempts.get(key) ?? record.attempts
        return { ...storedMessage(place, record, countedBytes(record, bytes)), attempts, state }
      }
    }
    return undefined
  }

  async deadLetters(topic: Topic, reading: Reading): Promise<readonly DeadLetter[]> {
    const rows = await readPage(this.#pages, topic, 'dead', reading)
    return rows.map(({ place, record, bytes }) => deadLetter(place, record, bytes))
  }

  async due(nowMs: number, limit: number, after?: Due): Promise<readonly Due[]> {
    return await readDue(this.#level, nowMs, limit, after)
  }

  async nextDueMs(afterMs?: number): Promise<number | undefined> {
    return await nextDue(this.#level, afterMs)
  }

  counts({ tenant, topic }: Topic): TopicCounts {
    const name = topicName({ tenant, topic })
    const { numbers } = this.#counted(() => this.#opened.topics.get(name))
    const { ready, delayed, dead } = countsOf(numbers)
    return { tenant, topic, ready, delayed, dead, byPriority: byPriority(numbers) }
  }

  tenantCounts(tenant: string): Counts {
    return countsOf(this.#counted(() => this.#opened.tenants.get(tenant)).numbers)
  }

  async topics(from: Parameters<MailboxStore['topics']>[0]): Promise<readonly TopicCounts[]> {
    checkLimit(from.limit)
    try {
      return await listTopics(this.#level, this.#opened.topics, from)
    } catch (error) {
      throw this.#damage(error)
    }
  }

  async purge(topic: Topic, state: State, { signal, progress }: PurgeOptions = {}): Promise<number> {
    const range = messagesOf(state, topicName(topic))
    const away = state === 'dead' ? 'discard' : 'remove'
    let gone = 0
    for (let last: string | undefined; ;) {
      signal?.throwIfAborted()
      const keys = await this.#level
        .keys({ ...(last === undefined ? range : { gt: last, lt: range.lt }), limit: PURGE_AT_ONCE })
        .all()
      if (keys.length === 0) break
      last = keys.at(-1)
      const places = keys.flatMap(key => parsePlace(key.slice(PREFIX.length + 1)) ?? [])
      const outcomes = await this.commit(places.map(place => ({ do: away, place })))
      gone += outcomes.filter(({ is }) => is === 'done').length
      progress?.(gone)
    }
    if (gone > 0) await compactMessages(this.#level, range)
    return gone
  }

  async note(name: string): Promise<Uint8Array | undefined> {
    const key = noteKey(name)
    return noteIn(key, await this.#level.get(key), this.#onCorrupt)
  }

  async forgetNotes(from: string, to: string): Promise<void> {
    await forgetNotes(this.#level, from, to)
  }

  async forgetIdemKeys(nowMs: number): Promise<void> {
    await forgetOlder(this.#level, generationOf(nowMs, this.#idemWindowMs) - 1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#writer.close()
    } finally {
      await this.#mark.close()
    }
  }

  #counted<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.#damage(error)
    }
  }

  /** Counts that are damaged end the store: they are taken anew when it is opened again. */
  #damage(error: unknown): unknown {
    if (error instanceof DamagedCounts) this.#writer.fail(error)
    return error
  }

  /** Resolves once what was composed so far is written. */
  async #written(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#writer.add({ resolve, reject })
    })
  }
}
