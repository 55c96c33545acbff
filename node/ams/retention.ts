import { RETAINED } from '../stores/ams/index.ts'
import type { Cut, Removed, Retained, RetentionRun, RetentionRuns, Shelved } from '../stores/ams/index.ts'

const DAY_MS = 86_400_000

/** How long what AMS keeps is kept, and how much of each kind; what is missing bounds nothing. */
export interface RetentionRule {
  readonly days?: number | undefined
  readonly count?: number | undefined
}

interface Settled extends Shelved {
  settle?(options: {
    readonly signal?: AbortSignal | undefined
    readonly withBatch?: (rows: Parameters<RetentionRuns['keep']>[0], removed: Removed) => void
  }): Promise<void>
}

export interface RetentionOptions {
  readonly shelves: Readonly<Record<Retained, Settled>>
  readonly runs: RetentionRuns
  /** Resolves once the audit log has durably that a run has ended. It may be told twice of one that a crash cut off. */
  readonly tell: (run: RetentionRun) => Promise<void>
  /** Unix ms. */
  readonly now: () => number
  /** Ends what is under way between two batches, to be gone on with by another. */
  readonly signal?: AbortSignal | undefined
  /** Told of each batch once it is gone. */
  readonly onRemoved?: ((kind: Retained, items: number) => void) | undefined
}

/** Who a run is by that nobody has asked for. */
export const BY_HUB = 'hub'

/**
 * Removes what is old, or too much, batch by batch, one run at a time. What a run removes is decided when it begins. One that was
 * broken off goes on at the next `resume`, and is told the audit log once it is at its end.
 */
export class Retention {
  readonly #options: RetentionOptions
  #run: Promise<RetentionRun | undefined> | undefined
  #begun = Promise.withResolvers<RetentionRun>()

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#run !== undefined
  }

  /** The run that is under way once it would survive a power cut, as it was then; where there is none, the next. */
  get begun(): Promise<RetentionRun> {
    return this.#begun.promise
  }

  async state(): Promise<{
    readonly underWay: RetentionRun | undefined
    readonly last: RetentionRun | undefined
  }> {
    const { runs } = this.#options
    return { underWay: await runs.underWay(), last: await runs.last() }
  }

  /** Goes on with what a crash, or the end of the node, has cut off. */
  async resume(): Promise<RetentionRun | undefined> {
    return await (this.#run ?? this.#alone(this.#resume()))
  }

  /**
   * Resolves when the run is at its end, and the audit log has it; with the one that is under way already where there is one.
   * Rejects where it could not go on: it does at the next `resume`.
   */
  async run(rule: RetentionRule, by: string, trace?: string): Promise<RetentionRun> {
    while (this.#run !== undefined) {
      const underWay = await this.#run
      if (underWay !== undefined) return underWay
    }
    return await this.#alone(this.#begin(rule, by, trace))
  }

  async #alone<T extends RetentionRun | undefined>(run: Promise<T>): Promise<T> {
    this.#run = run
    try {
      return await run
    } finally {
      this.#run = undefined
    }
  }

  async #resume(): Promise<RetentionRun | undefined> {
    const { runs, shelves, signal } = this.#options
    const broken = await runs.underWay()
    if (broken !== undefined) return await this.#goOn(broken)
    for (const shelf of Object.values(shelves)) await shelf.settle?.({ signal })
    return undefined
  }

  async #begin({ days, count }: RetentionRule, by: string, trace?: string): Promise<RetentionRun> {
    const { shelves, runs, now } = this.#options
    const broken = await runs.underWay()
    if (broken !== undefined) return await this.#goOn(broken)
    const upto = { ...NONE }
    if (count !== undefined) for (const kind of RETAINED) upto[kind] = await shelves[kind].newestFrom(count)
    const run = { at: timeOf(now()), by, trace, days, count, upto, removed: NONE, bytes: 0 }
    await runs.begin(run)
    return await this.#goOn(run)
  }

  async #goOn(run: RetentionRun): Promise<RetentionRun> {
    this.#begun.resolve(run)
    try {
      return await this.#remove(run)
    } finally {
      this.#begun = Promise.withResolvers()
    }
  }

  async #remove(begun: RetentionRun): Promise<RetentionRun> {
    const { shelves, runs, tell, now, onRemoved, signal } = this.#options
    let run = begun
    for (const kind of RETAINED) {
      const shelf = shelves[kind]
      const cut = cutOf(begun, kind)
      const withBatch = (rows: Parameters<RetentionRuns['keep']>[0], removed: Removed): void => {
        run = grown(run, kind, removed)
        runs.keep(rows, run)
      }
      await shelf.settle?.({ signal, withBatch })
      for (let after: number | undefined = 0; after !== undefined;) {
        signal?.throwIfAborted()
        const { items, next } = await shelf.removeOld(cut, after, withBatch)
        onRemoved?.(kind, items)
        after = next
      }
    }
    const ended: RetentionRun = { ...run, ended_at: timeOf(now()) }
    if (ended.by !== BY_HUB || RETAINED.some(kind => ended.removed[kind] > 0)) await tell(ended)
    await runs.end(ended)
    return ended
  }
}

const NONE: Record<Retained, number> = { envelopes: 0, messages: 0, records: 0, artifacts: 0 }
const timeOf = (ms: number): string => new Date(ms).toISOString()

const cutOf = ({ at, days, upto }: RetentionRun, kind: Retained): Cut => ({
  upto: upto[kind],
  before: days === undefined ? undefined : timeOf(Date.parse(at) - days * DAY_MS),
  now: at
})

const grown = (run: RetentionRun, kind: Retained, { items, bytes }: Removed): RetentionRun => ({
  ...run,
  removed: { ...run.removed, [kind]: run.removed[kind] + items },
  bytes: run.bytes + bytes
})
