import { HANDSHAKE, REFUSAL_CODES } from '../../federation/index.ts'
import type { Delegation, Outcome, RefusalCode } from '../../federation/index.ts'
import { OapError, TokenBucket, clampRetryAfter } from '../../protocols/index.ts'
import { TOLD, auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

/** Refused handshakes of one hub that get an entry of their own in the audit log; others are counted there. */
const RECORDED = { burst: 10, perSecond: 0.1 }
/** Handshakes by which one hub may link, since each is recorded, as is what becomes of it. */
const LINKED = { burst: 600, perSecond: 0.1 }
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024
/** Of those that strangers cause, all together: what they can write in a day is about two megabytes. */
const RECORDED_OF_STRANGERS = { burst: 60, perSecond: 0.1 }
/** Found only once a hub has proved itself; who is revoked has lost its standing. */
const PROVEN: ReadonlySet<RefusalCode> = new Set(['expired_delegation', 'expired_treaty'])

export const HANDSHAKE_OUTCOMES = ['linked', 'paired', 'turned_away', ...REFUSAL_CODES] as const

export interface OutcomesOptions {
  /** Resolves once it would survive a power cut. */
  readonly append: (event: AuditEvent) => Promise<unknown>
  /** Keeps what a hub that links showed; resolves once that would survive a power cut. */
  readonly learn: (delegation: Delegation) => Promise<unknown>
  readonly metrics: Pick<Metrics, 'counters'>
  readonly log: Pick<Log, 'debug' | 'warn'>
  /** Milliseconds that never go back. */
  readonly now: () => number
}

/**
 * Records how handshakes end, on either side: durable once it resolves, where it is recorded at all, as is the delegation
 * of a hub that links. Both are written at the same time. Throws `quota_peer` for one more by which a hub would link here
 * than it may; nothing is recorded of that, and it must make no link.
 */
export function outcomeRecorder({
  append,
  learn,
  metrics,
  log,
  now
}: OutcomesOptions): (o: Outcome) => Promise<void> {
  const refusals = new BucketTable(MOST_HUBS)
  const links = new BucketTable(MOST_HUBS)
  const ofStrangers = new TokenBucket(RECORDED_OF_STRANGERS.burst, RECORDED_OF_STRANGERS.perSecond, now())
  const count = metrics.counters(
    'federation_handshakes_total',
    'Handshakes that ended, by how.',
    'outcome',
    HANDSHAKE_OUTCOMES
  )
  const isRecorded = (outcome: Outcome): boolean => {
    const nowMs = now()
    if (outcome.kind === 'linked' || outcome.kind === 'paired') return true
    const ofHub = () => refusals.get(outcome.hub ?? '', RECORDED, nowMs)
    return (isStrangers(outcome) ? ofStrangers : ofHub()).take(1, nowMs) === 0
  }
  return async outcome => {
    if (outcome.kind === 'linked' && outcome.role === 'responder') {
      const nowMs = now()
      admit(links.get(outcome.hub, LINKED, nowMs).take(1, nowMs))
    }
    count(outcomeName(outcome))
    tell(log, outcome)
    await Promise.all([
      isRecorded(outcome) && append(outcomeEvent(outcome)),
      outcome.kind === 'linked' && learn(outcome.delegation)
    ])
  }
}

function admit(waitMs: number): void {
  if (waitMs > 0)
    throw new OapError('quota_peer', 'too many handshakes of one hub', {
      retryAfterMs: clampRetryAfter(waitMs)
    })
}

/** A refusal that anybody can cause: this side answered, and nobody was proved. */
const isStrangers = (outcome: Outcome): boolean =>
  outcome.kind === 'refused' && outcome.role === 'responder' && !PROVEN.has(outcome.code)

const outcomeName = (outcome: Outcome) => (outcome.kind === 'refused' ? outcome.code : outcome.kind)

function tell(log: OutcomesOptions['log'], outcome: Outcome): void {
  const { kind, peer, hub } = outcome
  const skewS = 'skewS' in outcome ? outcome.skewS : undefined
  if (skewS !== undefined && Math.abs(skewS) > HANDSHAKE.skewS && !isStrangers(outcome))
    log.warn(
      { event: 'ClockSkew', hub, peer, skew_s: skewS },
      'the clock of another hub differs; one of the two is wrong'
    )
  if (kind === 'refused')
    log.debug({ event: 'HandshakeRefused', hub, peer, code: outcome.code, detail: outcome.detail }, 'refused')
}

/** The entry of an outcome. */
export function outcomeEvent(outcome: Outcome): AuditEvent {
  if (outcome.kind === 'turned_away') {
    const told = TOLD.find(code => code === outcome.code) ?? 'other'
    return auditEvent('handshake_refused', 'node', {
      code: 'turned_away',
      role: 'initiator',
      hub: outcome.hub,
      told
    })
  }
  const { role, peer, hub, transcript, skewS } = outcome
  const actor = role === 'initiator' ? 'node' : `peer:${peer}`
  if (outcome.kind === 'refused')
    return auditEvent('handshake_refused', actor, {
      code: outcome.code,
      role,
      ...(hub !== undefined && { hub }),
      ...(transcript !== undefined && { transcript }),
      ...(skewS !== undefined && skew(skewS))
    })
  const { kind, transcript: id } = outcome
  return auditEvent('handshake', actor, {
    outcome: kind,
    role,
    hub: outcome.hub,
    transcript: id,
    ...skew(outcome.skewS)
  })
}

const skew = (s: number) => ({ skew_s: Math.abs(s), ahead: s > 0 })
