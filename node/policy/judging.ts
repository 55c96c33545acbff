import { EVIDENCE, decide, evidenceText, passingFailure, readForm, recordOf } from '../../federation/index.ts'
import type { Decision, DecisionRecord, Evidence, Standing, Verdict } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent, CallIds } from '../audit/index.ts'
import { AcceptedCounts } from './accepted-counts.ts'
import type { PolicyInForce } from './policy-in-force.ts'
import { Rejections } from './rejections.ts'
import { QUARANTINE } from './room.ts'
import type { Acceptance, DeliverReleased, Item, ItemEvidence, Taken } from './types.ts'

/** A decision with what it was made of. */
export interface Judged {
  readonly evidence: Evidence
  readonly record: DecisionRecord
}

/** What the quarantine does for whoever judges. */
export interface KeepsItems {
  /** Whether an item of this id is kept, and how it was judged. */
  kept(id: string): Judged | undefined
  /** Keeps room for an item, to be given back or filled; or the time until there may be some, in milliseconds. */
  reserve(origin: string, bytes: number): { readonly release: () => void } | { readonly retryAfterMs: number }
  /** Resolves once it would survive a power cut. */
  keep(judged: Judged, item: Item): Promise<void>
  onRelease(kind: ItemEvidence['kind'], deliver: DeliverReleased): void
}

/** Why nothing was decided: for want of room, or for how the origin stands at the moment. */
export type NotNow = 'no_room' | 'standing'

export interface JudgingOptions {
  readonly policy: () => PolicyInForce
  readonly standing: (origin: string) => Standing
  readonly quarantine: KeepsItems
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** Told of each verdict, and of each item that was turned away for now. */
  readonly decided: (verdict: Verdict | NotNow) => void
  readonly rejections?: Rejections
}

/** Judges items by the policy in force, and records what it does not accept before it answers. */
export class Judging implements Acceptance {
  readonly #o: JudgingOptions
  readonly #rejections: Rejections
  readonly #accepted: AcceptedCounts
  /** One id is judged once at a time, however many ways it comes. */
  readonly #underWay = new Map<string, { readonly said: string; readonly taking: Promise<Taken> }>()

  constructor(options: JudgingOptions) {
    this.#o = options
    this.#rejections = options.rejections ?? new Rejections()
    this.#accepted = new AcceptedCounts(options.now)
  }

  async take(given: ItemEvidence, item: Item): Promise<Taken> {
    const evidence = evidenceOf(given, this.#o.standing(given.origin))
    const said = evidenceText(evidence)
    for (;;) {
      const underWay = this.#underWay.get(evidence.id)
      if (underWay === undefined) break
      if (underWay.said === said) return underWay.taking
      // Another copy of it, as one that was forged, decides nothing for this one.
      await underWay.taking.catch(() => undefined)
    }
    const taking = this.#take(evidence, item)
    this.#underWay.set(evidence.id, { said, taking })
    try {
      return await taking
    } finally {
      this.#underWay.delete(evidence.id)
    }
  }

  async #take(evidence: Evidence, item: Item): Promise<Taken> {
    const before = this.#o.quarantine.kept(evidence.id)
    // It was answered once and the answer was lost: it stays what it is until an operator decides.
    if (before !== undefined) return answerOf(before)
    const inForce = this.#o.policy()
    const decision = decide(inForce.policy, evidence)
    const passing = passingFailure(decision)
    if (passing !== undefined) {
      this.#o.decided('standing')
      return notNow(passing, QUARANTINE.retryMs)
    }
    const taken = await this.#settle(evidence, item, decision, inForce)
    this.#o.decided(taken.retryAfterMs === undefined ? taken.verdict : 'no_room')
    return taken
  }

  /**
   * Decides on what was posted at this hub itself, which its caller keeps whatever is decided. Resolves once what is not
   * accepted would survive a power cut in the audit log, with the ids of the request.
   */
  async judgeOwn(evidence: Evidence, ids: CallIds = {}): Promise<DecisionRecord> {
    const { policy, hash } = this.#o.policy()
    const decidedAt = this.#o.now()
    const record = recordOf(decide(policy, evidence), { version: policy.version, hash, decidedAt })
    if (record.decision !== 'accept')
      await this.#o.record(auditEvent('acceptance', `hub:${evidence.origin}`, { evidence, record }, ids))
    return record
  }

  onRelease(kind: ItemEvidence['kind'], deliver: DeliverReleased): void {
    this.#o.quarantine.onRelease(kind, deliver)
  }

  /** Records how many were accepted since the last time. */
  flush(): Promise<void> {
    return this.#accepted.flush(this.#o.record)
  }

  async #settle(evidence: Evidence, item: Item, decision: Decision, inForce: PolicyInForce): Promise<Taken> {
    const { policy, hash } = inForce
    const now = this.#o.now()
    const judged: Judged = {
      evidence,
      record: recordOf(decision, { version: policy.version, hash, decidedAt: now })
    }
    const append = () => this.#o.record(auditEvent('acceptance', `hub:${evidence.origin}`, judged))
    if (decision.verdict === 'accept') this.#accepted.add(evidence.kind, inForce, evidence.id)
    else if (decision.verdict === 'reject') {
      const retryAfterMs = this.#rejections.wait(evidence.origin, now)
      if (retryAfterMs !== undefined) return notNow('too_many_rejections', retryAfterMs)
      await append()
    } else {
      const room = this.#o.quarantine.reserve(evidence.origin, item.statement.length + item.body.length)
      if ('retryAfterMs' in room) return notNow('quarantine_full', room.retryAfterMs)
      try {
        await append()
        await this.#o.quarantine.keep(judged, item)
      } finally {
        room.release()
      }
    }
    return answerOf(judged)
  }
}

const answerOf = ({ record: { decision, reasons } }: Judged): Taken => ({ verdict: decision, reasons })

const notNow = (reason: string, retryAfterMs: number): Taken => ({
  verdict: 'reject',
  reasons: [reason],
  retryAfterMs
})

function evidenceOf(given: ItemEvidence, standing: Standing): Evidence {
  const read = readForm(EVIDENCE, { signature: 'valid', ...given, standing })
  if ('value' in read) return read.value
  throw new OapError('bad_request', `evidence: ${read.problems.join('; ')}`)
}
