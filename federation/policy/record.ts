import { type Form, exactly, listOf, oneOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { type Decision, VERDICTS, type Verdict } from './decide.ts'
import type { PolicySignal } from './decide.ts'
import { POLICY } from './numbers.ts'
import { HARD_FAILURES } from './reasons.ts'
import { RULE_NAMES } from './rules.ts'

/** A decision as the audit log has it. @see specs/federation-policy.md, section 5 */
export type DecisionRecord = {
  readonly decision: Verdict
  readonly score: number
  readonly policy_version: number
  readonly policy_hash: string
  readonly signals: readonly PolicySignal[]
  readonly reasons: readonly string[]
  /** Unix time in milliseconds. */
  readonly decided_at: number
}

export const recordOf = (
  { verdict, score, signals, reasons }: Decision,
  {
    version,
    hash,
    decidedAt
  }: { readonly version: number; readonly hash: string; readonly decidedAt: number }
): DecisionRecord => ({
  decision: verdict,
  score,
  policy_version: version,
  policy_hash: hash,
  signals,
  reasons,
  decided_at: decidedAt
})

/** A record as it is read again. */
export const DECISION_RECORD: Form<DecisionRecord> = exactly({
  decision: oneOf(...VERDICTS),
  score: whole(-POLICY.maxScore, POLICY.maxScore),
  policy_version: whole(1, POLICY.maxVersion),
  policy_hash: forms.hex32,
  signals: listOf(
    exactly({ rule: oneOf(...RULE_NAMES), weight: whole(-POLICY.maxWeight, POLICY.maxWeight) }),
    RULE_NAMES.length
  ),
  reasons: listOf(oneOf<string>(...HARD_FAILURES, ...RULE_NAMES), HARD_FAILURES.length + RULE_NAMES.length),
  decided_at: whole(0)
})
