import { existsSync } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import { OapError } from '../../protocols/index.ts'
import { AuditLog, AuditRecorder, createLogFolder, startUpkeep } from '../audit/index.ts'
import type { AuditEvent, AuditNames, CallIds, Outcome, Retention } from '../audit/index.ts'

export interface AuditLogPlace {
  /** The log's own folder; made when it is not there. */
  readonly folder: string
  readonly hubId: string
  readonly nodeName: string
  readonly hubKey: () => Promise<KeyObject | undefined>
}

/** The audit log of a place, for this process alone. @throws SetupError as `AuditLog.open` */
export async function openAuditLog(
  { folder, hubId, nodeName, hubKey }: AuditLogPlace,
  first: Iterable<AuditEvent> = []
): Promise<AuditLog> {
  if (!existsSync(folder)) {
    const key = await hubKey()
    await createLogFolder(folder, { hubId, nodeName, nowMs: Date.now(), ...(key && { hubKey: key }) })
  }
  return AuditLog.open(folder, { first })
}

export interface AuditPartOptions extends AuditLogPlace {
  readonly names: AuditNames
  readonly retention: Retention
  /** What a life begins with. */
  readonly first: readonly AuditEvent[]
  /** What a life ends with. */
  readonly last: () => AuditEvent
}

interface Open {
  readonly log: AuditLog
  readonly recorder: AuditRecorder
}

/** Entries that wait for a log that is not open. */
const MOST_LATE = 64

/**
 * The audit log of a running node, opened again when it fails. While it is not open nothing that it must hold is done.
 * A life's first entry is its first one in the log, a repair's included, and nothing follows its last.
 */
export class AuditPart {
  readonly #o: AuditPartOptions
  /** What goes in before the log is open to others, in order. */
  readonly #late: AuditEvent[]
  #open: Open | undefined

  constructor(options: AuditPartOptions) {
    this.#o = options
    this.#late = [...options.first]
  }

  /** The open log. Throws `not_ready`. */
  get log(): AuditLog {
    return this.#opened().log
  }

  /** Resolves once the event would survive a power cut. Throws `not_ready`. */
  async append(event: AuditEvent): Promise<void> {
    await this.#opened().log.append(event)
  }

  /**
   * Appends what has happened already: what cannot be recorded now is when the log is open again, or when the life ends,
   * or is thrown. What was being written while the log failed may be there twice.
   */
  async appendLate(event: AuditEvent): Promise<void> {
    // In this turn: the log may be open in the next one, and late events are looked for before that.
    if (this.#open === undefined) return this.#keep(event)
    try {
      await this.append(event)
    } catch (error) {
      this.#keep(event, error)
    }
  }

  #keep(event: AuditEvent, error: unknown = notOpen()): void {
    if (this.#late.length >= MOST_LATE) throw error
    this.#late.push(event)
  }

  /** What waits, and what comes meanwhile. Each waits until the next one is asked for: until it is durable. */
  *#takeLate(): Generator<AuditEvent> {
    for (let event = this.#late[0]; event !== undefined; event = this.#late[0]) {
      yield event
      this.#late.shift()
    }
  }

  /** Resolves once the refusal is recorded, or was counted because there were many. */
  async refused(actor: string, outcome: Outcome, ids: CallIds): Promise<void> {
    await this.#open?.recorder.refused(actor, outcome, ids)
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Counts outcomes for the next summary; never waits. */
  count(outcome: Outcome, times: number): void {
    this.#open?.recorder.count(outcome, times)
  }

  /** Keeps the log open until `signal` aborts; rejects when it fails. */
  async run(started: () => void, signal: AbortSignal): Promise<void> {
    const { names, retention, last } = this.#o
    await using log = await openAuditLog(this.#o, this.#takeLate())
    const recorder = new AuditRecorder(log, names)
    const failed = Promise.withResolvers<void>()
    for (const event of this.#takeLate()) await log.append(event)
    // In the turn in which nothing is late any more.
    const upkeep = startUpkeep({ log, recorder, retention, failed: failed.reject })
    this.#open = { log, recorder }
    started()
    try {
      if (!signal.aborted) signal.addEventListener('abort', () => failed.resolve(), { once: true })
      else failed.resolve()
      await failed.promise
      this.#open = undefined
      await upkeep.stop()
      for (const event of this.#takeLate()) await log.append(event)
      await log.append(last())
    } finally {
      this.#open = undefined
      await upkeep.stop().catch(() => undefined)
    }
  }

  #opened(): Open {
    if (this.#open !== undefined) return this.#open
    throw notOpen()
  }
}

const notOpen = (): OapError =>
  new OapError('not_ready', 'the audit log is not open, and this must be recorded')
