import { errorCode } from '../../setup-error.ts'
import type { Level } from '../level.ts'
import {
  KIND,
  PREFIX,
  WHOLE,
  allOf,
  nameOf,
  parseTimer,
  row,
  startOfTenant,
  timerKey,
  topicOf
} from './keys.ts'
import { decodeKnown } from './idem-row.ts'
import { readJournal, knownLosses } from './journal.ts'
import type { Journal } from './journal.ts'
import { CountedNames, TenantSums } from './fsck-sums.ts'
import type { TenantSum } from './fsck-sums.ts'
import { Rows, TopicSums } from './topic-sums.ts'
import type { MessageRow } from './topic-sums.ts'
import { addInto, areNone, none, WIDTH } from './tallies.ts'
import type { Numbers } from './tallies.ts'
import { unseal, unsealJson } from './seal.ts'
import { STATES } from './types.ts'
import type { MissingBatches, State } from './types.ts'

const MOST_NAMED = 1000
/** What LevelDB throws for a damaged block, and for a file that was cut short. */
const UNREADABLE: readonly string[] = ['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR']

export type ProblemKind =
  /** Batches that were durable and are gone. */
  | 'missing_batches'
  /** A row that cannot be read, or one that was set aside earlier. */
  | 'damaged_row'
  | 'set_aside'
  /** Rows that LevelDB itself cannot read; nobody knows how many. */
  | 'damaged_block'
  /** Counts that do not fit the messages: some of those are gone, or rows came back. */
  | 'wrong_count'
  /** A time without its message, or a message without its time. */
  | 'stray_time'
  | 'missing_time'
  /** A key of no kind that this version writes. */
  | 'unknown_row'

export interface Problem {
  readonly kind: ProblemKind
  /** Names the batches, the key or the topic. */
  readonly subject: string
  readonly detail: string
}

export interface FsckReport {
  readonly rows: number
  readonly messages: Readonly<Record<State, number>>
  readonly lastBatch: number
  /** The first 1,000. */
  readonly problems: readonly Problem[]
  /** All, also those that are not named. */
  readonly found: number
}

export interface FsckOptions {
  /** A batch that is known to have been durable, from the mark beside the store. */
  readonly lastDurable?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Hears how many rows were read so far. */
  readonly progress?: ((rows: number) => void) | undefined
}

/**
 * Reads every row of a mailbox that nobody has open, and changes nothing. Memory does not grow with what is stored. A row that
 * was set aside and batches found missing earlier are told each time.
 * @throws the signal's reason
 */
export async function fsckMailbox(level: Level, options: FsckOptions = {}): Promise<FsckReport> {
  const check = new Check(level, options)
  const journal = await check.reading('the newest batches', async () => {
    const found = await readJournal(level, options.lastDurable ?? 0)
    const [first] = await level.keys({ ...WHOLE, limit: 1 }).all()
    if (first !== undefined || found.missing.length > 0) await check.journal(found)
    return found
  })
  // Without them nobody knows what the counts should be.
  if (journal === undefined) return check.report(0)
  await check.reading('messages', () => check.messages(journal))
  await check.reading('rows beside the messages', () => check.otherRows(journal))
  return check.report(journal.lastBatch)
}

class Check {
  readonly #level: Level
  readonly #options: FsckOptions
  readonly #problems: Problem[] = []
  readonly #messages: Record<State, number> = { ready: 0, delayed: 0, dead: 0 }
  #found = 0
  #rows = 0

  constructor(level: Level, options: FsckOptions) {
    this.#level = level
    this.#options = options
  }

  report(lastBatch: number): FsckReport {
    const [rows, messages, problems, found] = [this.#rows, this.#messages, this.#problems, this.#found]
    return { rows, messages, lastBatch, problems, found }
  }

  async journal({ missing, corrupt, checkpoint }: Journal): Promise<void> {
    const earlier = await knownLosses(this.#level)
    for (const { from, to, atMs } of earlier)
      this.#tell('missing_batches', batches({ from, to }), `found missing at ${new Date(atMs).toISOString()}`)
    for (const stretch of missing) this.#tell('missing_batches', batches(stretch), 'they were durable')
    for (const { key, detail } of corrupt) this.#tell('damaged_row', key, detail)
    if (checkpoint === undefined && corrupt.every(({ key }) => key !== row(KIND.checkpoint)))
      this.#tell('damaged_row', row(KIND.checkpoint), 'missing')
  }

  /** Undefined where LevelDB gave up, since a block of its files is damaged. */
  async reading<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!UNREADABLE.includes(errorCode(error) ?? '')) throw error
      this.#tell('damaged_block', what, (error as Error).message)
      return undefined
    }
  }

  /** Every message, the times that it needs, and whether the counts of its topic and tenant fit. */
  async messages({ deltas }: Journal): Promise<void> {
    const sums = new TopicSums(this.#level, {
      message: async message => {
        this.#messages[message.state]++
        await this.#read()
        await this.#times(message)
      },
      corrupt: async ({ key, detail }) => {
        await this.#read()
        this.#tell('damaged_row', key, detail)
      }
    })
    const tenants = new TenantSums()
    const counted = new CountedNames(this.#level, deltas)
    const compared = async (name: string, numbers: Numbers): Promise<void> => {
      await this.#counts(name, numbers, deltas)
      const tenant = tenants.add(topicOf(name).tenant, numbers)
      if (tenant !== undefined) await this.#tenantCounts(tenant, deltas)
    }
    const lost = (name: string): Promise<void> => compared(name, none())
    try {
      for (let topic = await sums.next(); topic !== undefined; topic = await sums.next()) {
        await counted.before(topic.name, lost)
        await compared(topic.name, topic.numbers)
      }
      await counted.before(undefined, lost)
      const tenant = tenants.end()
      if (tenant !== undefined) await this.#tenantCounts(tenant, deltas)
    } finally {
      await sums.close()
      await counted.close()
    }
  }

  /** The rows that are no messages. */
  async otherRows({ deltas }: Journal): Promise<void> {
    const rows = new Rows(this.#level, WHOLE)
    const ofMessages: readonly string[] = STATES.map(state => KIND[state])
    try {
      for (let next = await rows.peek(); next !== undefined; next = await rows.peek()) {
        rows.take()
        const [key, bytes] = next
        const kind = key[PREFIX.length]!
        if (ofMessages.includes(kind)) continue
        await this.#read()
        await this.#other(kind, key, bytes)
        if (kind === KIND.tenantCounts) await this.#lostTenant(key.slice(PREFIX.length + 1), deltas)
      }
    } finally {
      await rows.close()
    }
  }

  async #other(kind: string, key: string, bytes: Uint8Array): Promise<void> {
    if (kind === KIND.setAside) {
      this.#tell('set_aside', PREFIX + key.slice(PREFIX.length + 1), `${bytes.length} bytes are kept`)
      return
    }
    if (!KINDS.includes(kind)) {
      this.#tell('unknown_row', key, 'of no kind that this version writes')
      return
    }
    // Those that the journal has read were told there.
    if (kind === KIND.batch || kind === KIND.checkpoint) return
    const payload = kind === KIND.idem ? decodeKnown(key, bytes) : unseal(key, bytes)
    if (typeof payload === 'string') this.#tell('damaged_row', key, payload)
    else if (kind === KIND.timer) await this.#timer(key)
  }

  async #timer(key: string): Promise<void> {
    const timer = parseTimer(key)
    if (timer === undefined) {
      this.#tell('damaged_row', key, 'the key is none of a time')
      return
    }
    const { place, state, what } = timer
    const rest = key.slice(PREFIX.length + 1 + 14)
    const name = nameOf(place)
    const owner = state === 'dead' ? row(KIND.dead, `${name}\0${place.id}`) : row(KIND[state], rest)
    if ((await this.#level.get(owner)) === undefined)
      this.#tell('stray_time', key, `there is no such ${state} message (${what})`)
  }

  async #times({ key, state, place, record }: MessageRow): Promise<void> {
    const at = state === 'dead' ? { ...place, priority: 0 } : place
    const needed = [
      ...(state === 'delayed'
        ? [timerKey(record.notBeforeMs ?? 0, 'not_before', state, at, nameOf(at))]
        : []),
      ...(record.expiresAtMs === undefined
        ? []
        : [timerKey(record.expiresAtMs, 'expires', state, at, nameOf(at))])
    ]
    for (const timer of needed)
      if ((await this.#level.get(timer)) === undefined) this.#tell('missing_time', key, `${timer} is missing`)
  }

  async #counts(name: string, numbers: Numbers, deltas: Journal['deltas']): Promise<void> {
    const found = await this.#kept(row(KIND.topicCounts, name))
    const delta = deltas.get(name)
    if (delta !== undefined) addInto(found, delta)
    const { tenant, topic } = topicOf(name)
    this.#compare(`topic ${topic} of tenant ${tenant}`, found, numbers)
  }

  async #tenantCounts({ name, numbers }: TenantSum, deltas: Journal['deltas']): Promise<void> {
    const found = await this.#kept(row(KIND.tenantCounts, name))
    for (const [topic, delta] of deltas) if (topicOf(topic).tenant === name) addInto(found, delta)
    this.#compare(`tenant ${name}`, found, numbers)
  }

  /** The counts of a tenant that has no topic any more: those of others were compared with their topics. */
  async #lostTenant(name: string, deltas: Journal['deltas']): Promise<void> {
    for (const kind of [KIND.topicCounts, ...STATES.map(state => KIND[state])]) {
      const [one] = await this.#level.keys({ ...allOf(kind, startOfTenant(name)), limit: 1 }).all()
      if (one !== undefined) return
    }
    if ([...deltas.keys()].some(topic => topicOf(topic).tenant === name)) return
    await this.#tenantCounts({ name, numbers: none() }, deltas)
  }

  async #kept(key: string): Promise<Numbers> {
    return unsealJson<Numbers>(key, await this.#level.get(key)) ?? none()
  }

  #compare(subject: string, kept: Numbers, counted: Numbers): void {
    const differs = Array.from({ length: WIDTH }, (_, i) => counted[i]! - kept[i]!)
    if (areNone(differs)) return
    const messages = differs.slice(0, 10).reduce((sum, value) => sum + value, 0)
    this.#tell(
      'wrong_count',
      subject,
      `against the counts, ready ${signed(messages)}, delayed ${signed(differs[11]!)}, dead ${signed(differs[13]!)} messages; bytes ${signed(differs[10]!)}, ${signed(differs[12]!)}, ${signed(differs[14]!)}`
    )
  }

  #tell(kind: ProblemKind, subject: string, detail: string): void {
    this.#found++
    if (this.#problems.length < MOST_NAMED) this.#problems.push({ kind, subject, detail })
  }

  async #read(): Promise<void> {
    this.#rows++
    if (this.#rows % 10_000 !== 0) return
    this.#options.signal?.throwIfAborted()
    this.#options.progress?.(this.#rows)
  }
}

const KINDS: readonly string[] = Object.values(KIND)

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value))

const batches = ({ from, to }: MissingBatches): string =>
  from === to ? `batch ${from}` : `batches ${from} to ${to}`
