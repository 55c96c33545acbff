import { REASONS } from '../../protocols/index.ts'
import { type AuditEvent, type CallIds, eventOf } from './audit-event.ts'
import type { EntryData } from './entry.ts'
import { natural, oneOf, optional, readCommitments } from './commitments.ts'

/** Stands for a service, operation or part that no table names: a peer's own words never enter the log. */
export const UNKNOWN = 'unknown'
/** Why a call ended: `ok`, or one of the closed list of reasons. */
export const OUTCOMES: readonly string[] = ['ok', ...REASONS]

const NAME = /^[a-z][a-z0-9_]{0,31}$/
const reason = oneOf(OUTCOMES)
const TALLY = { count: natural, from_ms: natural, until_ms: natural }
const CRASH = {
  reason: oneOf(['crash_exception', 'crash_store', 'crash_listener', 'crash_start']),
  restarts: natural,
  at_ms: optional(natural)
}

/** What happened to a call, in words of the service tables and the closed list of reasons. */
export interface Outcome {
  readonly service: string
  readonly operation: string
  readonly reason: string
}

/** The crash of a part; `at_ms` in milliseconds since 1970. */
export interface Crash {
  readonly part: string
  readonly reason: string
  readonly restarts: number
  readonly at_ms?: number
}

/** How often in a while; times in milliseconds since 1970. */
export interface Tally extends Outcome {
  readonly count: number
  readonly from_ms: number
  readonly until_ms: number
}

/** The part of a service table that is needed here. */
export interface NamedService {
  readonly name: string
  readonly operations: Readonly<Record<string, unknown>>
}

/** The names that may stand in entries about calls and parts; any other becomes `unknown`. */
export class AuditNames {
  readonly #operations: ReadonlySet<string>
  readonly #parts: ReadonlySet<string>

  /** @throws RangeError for a name that a table could not have. */
  constructor(services: readonly NamedService[], parts: readonly string[] = []) {
    const operations = services.flatMap(({ name, operations: rows }) =>
      Object.keys(rows).map(op => [name, op] as const)
    )
    const wrong = [...operations.flat(), ...parts].find(name => !NAME.test(name))
    if (wrong !== undefined) throw new RangeError(`audit: ${wrong} is not a name of [a-z0-9_], at most 32`)
    this.#operations = new Set(operations.map(([service, operation]) => `${service}/${operation}`))
    this.#parts = new Set(parts)
  }

  /** The same outcome with known names alone. @throws TypeError for a reason outside the closed list. */
  known(outcome: Outcome): Outcome {
    reason.read(outcome.reason, 'reason')
    if (this.#operations.has(`${outcome.service}/${outcome.operation}`)) return outcome
    return { service: UNKNOWN, operation: UNKNOWN, reason: outcome.reason }
  }

  /** The refusal of one call of a caller who is known. */
  refusal(actor: string, outcome: Outcome, ids: CallIds = {}): AuditEvent {
    const { service, operation, reason: why } = this.known(outcome)
    const data = { service, operation, reason: why }
    return eventOf(
      { type: 'refusal', actor, subject: `${service}/${operation}`, decision: 'deny', data },
      ids
    )
  }

  /** How often something happened in a while. */
  summary({ count, from_ms, until_ms, ...outcome }: Tally): AuditEvent {
    const { service, operation, reason: why } = this.known(outcome)
    const tally = readCommitments(TALLY, { count, from_ms, until_ms })
    const data = { service, operation, reason: why, ...tally }
    return eventOf({ type: 'summary', actor: 'node', subject: `${service}/${operation}`, data })
  }

  /** A part of the node that crashed, and when; what is recorded later than it happened must say so. */
  crash({ part: named, ...crash }: Crash): AuditEvent {
    const part = this.#parts.has(named) ? named : UNKNOWN
    const data = { part, ...readCommitments(CRASH, crash) } as EntryData
    return eventOf({ type: 'crash', actor: 'node', subject: `part:${part}`, data })
  }
}
