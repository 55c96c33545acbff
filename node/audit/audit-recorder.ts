import type { AuditEvent, CallIds } from './audit-event.ts'
import type { AuditNames, Outcome } from './audit-names.ts'

const REFUSALS_PER_S = 10
const REFUSALS_PER_S_IN_ALL = 100
const SECOND_MS = 1000

/** The part of a log that is needed here. */
export interface AppendsEvents {
  append(event: AuditEvent): Promise<number>
}

export interface RecorderLimits {
  /** Entries of its own that one principal's refusals may have in a second. */
  readonly refusalsPerSecond?: number
  /** The same of all principals together: a key costs nothing, so there may be many. */
  readonly refusalsPerSecondInAll?: number
}

/**
 * Records what happens to calls: what is many as counts, which cost no wait and at most one entry for each (service,
 * operation, reason) and `flush`; what counts one by one at once. A crash loses the counts since the last `flush`.
 */
export class AuditRecorder {
  readonly #log: AppendsEvents
  readonly #names: AuditNames
  readonly #now: () => number
  readonly #perPrincipal: number
  readonly #inAll: number
  #counts = new Map<string, { readonly outcome: Outcome; count: number }>()
  #since: number
  #second = 0
  #refusals = new Map<string, number>()
  #refusalsInAll = 0

  constructor(
    log: AppendsEvents,
    names: AuditNames,
    {
      refusalsPerSecond = REFUSALS_PER_S,
      refusalsPerSecondInAll = REFUSALS_PER_S_IN_ALL
    }: RecorderLimits = {},
    now: () => number = Date.now
  ) {
    this.#log = log
    this.#names = names
    this.#now = now
    this.#perPrincipal = refusalsPerSecond
    this.#inAll = refusalsPerSecondInAll
    this.#since = now()
  }

  /** Counts outcomes; never waits. As many counts are kept as there are operations and reasons. */
  count(outcome: Outcome, times = 1): void {
    const known = this.#names.known(outcome)
    const key = `${known.service}/${known.operation}/${known.reason}`
    const held = this.#counts.get(key)
    if (held === undefined) this.#counts.set(key, { outcome: known, count: times })
    else held.count += times
  }

  /**
   * Records the refusal of a caller who proved a key or token. Resolves once it is durable, or at once when this
   * second's entries are spent and it was counted instead.
   * @throws TypeError for an actor that is none; what `append` throws.
   */
  async refused(actor: string, outcome: Outcome, ids: CallIds = {}): Promise<void> {
    const event = this.#names.refusal(actor, outcome, ids)
    if (this.#mayHaveEntry(actor)) await this.#log.append(event)
    else this.count(outcome)
  }

  /**
   * Writes the counts since the last time, one entry each; resolves once they are durable. Counts whose entry could not
   * be written are kept for the next time.
   */
  async flush(): Promise<void> {
    const [counts, from_ms, until_ms] = [this.#counts, this.#since, this.#now()]
    this.#counts = new Map()
    this.#since = until_ms
    const written = await Promise.allSettled(
      Array.from(counts.values(), ({ outcome, count }) =>
        this.#log.append(this.#names.summary({ ...outcome, count, from_ms, until_ms }))
      )
    )
    const failures = written.flatMap((result, n) => {
      if (result.status === 'fulfilled') return []
      const { outcome, count } = [...counts.values()][n]!
      this.count(outcome, count)
      return [result.reason as unknown]
    })
    if (failures.length === 0) return
    this.#since = Math.min(this.#since, from_ms)
    throw failures[0]
  }

  #mayHaveEntry(actor: string): boolean {
    const second = Math.floor(this.#now() / SECOND_MS)
    if (second !== this.#second) {
      this.#second = second
      this.#refusals = new Map()
      this.#refusalsInAll = 0
    }
    const before = this.#refusals.get(actor) ?? 0
    if (before >= this.#perPrincipal || this.#refusalsInAll >= this.#inAll) return false
    this.#refusals.set(actor, before + 1)
    this.#refusalsInAll++
    return true
  }
}
