import { SetupError } from '../../setup-error.ts'
import type { Level } from '../level.ts'
import type { Operation } from './batch.ts'
import type { BatchMark } from './batch-mark.ts'
import { CHECKPOINT_KEY, batchKey, isWhole, readJournal } from './journal.ts'
import type { Checkpoint, Journal } from './journal.ts'
import { KIND, PREFIX, WHOLE, allOf, row, sortable, topicOf } from './keys.ts'
import { sealedJson, unsealJson } from './seal.ts'
import { Tallies, addInto, damagedCounts, none, tallyRow } from './tallies.ts'
import type { Numbers } from './tallies.ts'
import { TopicSums } from './topic-sums.ts'
import type { CorruptRow, OpeningReport } from './types.ts'

/** Brings a store from the version of its place in the list (the first from 1 to 2) to the next; may run twice. */
export type MailboxMigration = (level: Level) => Promise<void>

const MIGRATIONS: readonly MailboxMigration[] = []
const FORMAT_KEY = row(KIND.format)
const DURABLE: object = { sync: true }
const ROWS_A_WRITE = 1000

export interface Opened {
  readonly report: OpeningReport
  readonly topics: Tallies
  readonly tenants: Tallies
  readonly lastId: string | undefined
  /** The counts on the disk are those after this batch. */
  readonly checkpoint: number
  /** From it on, batches have rows. */
  readonly firstRow: number
}

export interface OpeningOptions {
  readonly mark: BatchMark
  readonly now: () => number
  readonly onCorrupt: (row: CorruptRow) => void
  readonly migrations?: readonly MailboxMigration[] | undefined
}

/**
 * Brings the counts up to what was under way when the store was closed or its process killed. Batches that are missing are
 * named and remembered, and then everything is counted anew, as it is when a row of counts is damaged.
 * @throws SetupError `newerFormat`, `badInput`
 */
export async function openRows(level: Level, options: OpeningOptions): Promise<Opened> {
  const { mark, now, onCorrupt, migrations = MIGRATIONS } = options
  await settleFormat(level, migrations)
  const journal = await readJournal(level, mark.last)
  for (const corrupt of journal.corrupt) onCorrupt(corrupt)
  if (mark.isDamaged) onCorrupt({ key: 'mark', detail: 'the mark of the last batch cannot be read' })
  const lastBatch = Math.max(journal.lastBatch, mark.last)
  const damaged = await damagedCounts(level)
  for (const key of damaged) onCorrupt({ key, detail: 'the counts cannot be read' })
  const isRecounted = !isWhole(journal) || damaged.length > 0
  const { messages: recounted, lastId } = isRecounted
    ? await recount(level, journal, onCorrupt)
    : { messages: 0, lastId: journal.lastId }
  if (isRecounted) await settle(level, { ...journal, lastId }, lastBatch, now())
  const topics = new Tallies(level, KIND.topicCounts)
  const tenants = new Tallies(level, KIND.tenantCounts)
  if (!isRecounted) addDeltas(journal, topics, tenants)
  const { replayed, missing } = journal
  const checkpoint = isRecounted ? lastBatch : (journal.checkpoint?.batch ?? 0)
  const report = { lastBatch, replayed, missing, recounted }
  const firstRow = isRecounted ? lastBatch + 1 : (journal.checkpoint?.first ?? 1)
  return { report, topics, tenants, lastId, checkpoint, firstRow }
}

/**
 * Counts all messages of a mailbox that nobody has open, as an opening does that finds batches missing; what cannot be read
 * is set aside. Yields how many messages there are.
 */
export async function countAnew(
  level: Level,
  {
    now,
    lastDurable,
    onCorrupt
  }: Pick<OpeningOptions, 'now' | 'onCorrupt'> & { readonly lastDurable: number }
): Promise<number> {
  const journal = await readJournal(level, lastDurable)
  const { messages, lastId } = await recount(level, journal, onCorrupt)
  await settle(level, { ...journal, lastId }, Math.max(journal.lastBatch, lastDurable), now())
  return messages
}

/** Begins a mailbox, or brings an older one to the newest format. @throws SetupError `newerFormat`, `badInput` */
export async function settleFormat(
  level: Level,
  migrations: readonly MailboxMigration[] = MIGRATIONS
): Promise<void> {
  const newest = migrations.length + 1
  const bytes = await level.get(FORMAT_KEY)
  if (bytes === undefined) {
    const [other] = await level.keys({ ...WHOLE, limit: 1 }).all()
    if (other !== undefined) throw damaged('its format is missing')
    const first = [FORMAT_KEY, sealedJson(FORMAT_KEY, newest)] as const
    const begin = [
      CHECKPOINT_KEY,
      sealedJson(CHECKPOINT_KEY, { batch: 0, first: 1 } satisfies Checkpoint)
    ] as const
    await level.batch(
      [first, begin].map(([key, value]) => ({ type: 'put', key, value })),
      DURABLE
    )
    return
  }
  const found = unsealJson<number>(FORMAT_KEY, bytes)
  if (found === undefined) throw damaged('its format cannot be read')
  if (found > newest)
    throw new SetupError(
      'newerFormat',
      `the mailbox has format ${found}, this version reads up to ${newest}: use the newer omnigate that wrote it`
    )
  for (const [i, migrate] of migrations.entries()) {
    if (i + 1 < found) continue
    await migrate(level)
    await level.put(FORMAT_KEY, sealedJson(FORMAT_KEY, i + 2), DURABLE)
  }
}

const damaged = (what: string): SetupError =>
  new SetupError('badInput', `the mailbox is damaged: ${what}; restore it from a backup`)

function addDeltas({ deltas }: Journal, topics: Tallies, tenants: Tallies): void {
  for (const [name, numbers] of deltas) {
    topics.add(topics.get(name), numbers)
    tenants.add(tenants.get(topicOf(name).tenant), numbers)
  }
}

/**
 * Writes the counts of what is there; sets aside what cannot be read. Yields how many messages there are, and the highest id
 * that is known.
 */
async function recount(
  level: Level,
  journal: Journal,
  onCorrupt: (row: CorruptRow) => void
): Promise<{ readonly messages: number; readonly lastId: string | undefined }> {
  await level.del(CHECKPOINT_KEY, DURABLE)
  await level.clear(allOf(KIND.topicCounts))
  await level.clear(allOf(KIND.tenantCounts))
  const writing = new Writing(level)
  let messages = 0
  let { lastId } = journal
  const sums = new TopicSums(level, {
    message({ place: { id } }) {
      messages++
      if (lastId === undefined || id > lastId) lastId = id
    },
    corrupt: async ({ key, bytes, detail }) => {
      onCorrupt({ key, detail })
      await writing.add({ type: 'del', key })
      const aside = row(KIND.setAside, key.slice(PREFIX.length))
      await writing.add({ type: 'put', key: aside, value: bytes })
    }
  })
  try {
    let tenant: { readonly name: string; readonly numbers: Numbers } | undefined
    for (let topic = await sums.next(); topic !== undefined; topic = await sums.next()) {
      const name = topicOf(topic.name).tenant
      if (tenant?.name !== name) {
        if (tenant !== undefined) await writing.tally(KIND.tenantCounts, tenant)
        tenant = { name, numbers: none() }
      }
      addInto(tenant.numbers, topic.numbers)
      await writing.tally(KIND.topicCounts, topic)
    }
    if (tenant !== undefined) await writing.tally(KIND.tenantCounts, tenant)
    await writing.flush()
    return { messages, lastId }
  } finally {
    await sums.close()
  }
}

/** Rows written some at a time; made durable by a synced write after the last. */
class Writing {
  readonly #level: Level
  #rows: Operation[] = []

  constructor(level: Level) {
    this.#level = level
  }

  async add(operation: Operation): Promise<void> {
    this.#rows.push(operation)
    if (this.#rows.length >= ROWS_A_WRITE) await this.flush()
  }

  async tally(
    kind: typeof KIND.topicCounts | typeof KIND.tenantCounts,
    { name, numbers }: { readonly name: string; readonly numbers: Numbers }
  ): Promise<void> {
    const { key, value } = tallyRow(kind, { name, numbers, isDirty: false })
    if (value !== undefined) await this.add({ type: 'put', key, value })
  }

  async flush(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    await this.#level.batch(rows, DURABLE)
  }
}

/** Remembers what was lost, and begins a new journal after the highest number that was ever given. */
async function settle(level: Level, journal: Journal, lastBatch: number, atMs: number): Promise<void> {
  const rows: Operation[] = journal.missing.map(({ from, to }) => {
    const key = row(KIND.loss, sortable(from))
    return { type: 'put', key, value: sealedJson(key, { from, to, atMs }) }
  })
  const value = sealedJson(CHECKPOINT_KEY, {
    batch: lastBatch,
    id: journal.lastId,
    first: lastBatch + 1
  } satisfies Checkpoint)
  await level.batch([...rows, { type: 'put', key: CHECKPOINT_KEY, value }], DURABLE)
  await level.clear({ gte: batchKey(0), lt: batchKey(lastBatch + 1) })
}
