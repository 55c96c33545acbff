import type { Evidence } from './evidence.ts'
import type { Policy } from './policy.ts'
import { HARD_FAILURES, type HardFailure, PASSING_FAILURES, type PassingFailure } from './reasons.ts'
import { RULES, RULE_NAMES, type RuleName } from './rules.ts'

export const VERDICTS = ['accept', 'quarantine', 'reject'] as const
export type Verdict = (typeof VERDICTS)[number]

/** A rule that held, and what it weighs. */
export type PolicySignal = { readonly rule: RuleName; readonly weight: number }

export type Decision = {
  readonly verdict: Verdict
  /** The sum of the weights of all rules that hold. */
  readonly score: number
  /** Hard failures in their own order, then the names of rules that hold, ascending. */
  readonly reasons: readonly string[]
  /** Ascending by name. */
  readonly signals: readonly PolicySignal[]
}

/**
 * What a policy says of an item. Of nothing but its arguments: two hubs with one policy and one evidence write the same
 * bytes. @see specs/federation-policy.md, section 4
 */
export function decide(policy: Policy, evidence: Evidence): Decision {
  const signals = RULE_NAMES.flatMap(name => signal(name, policy, evidence))
  const score = signals.reduce((sum, { weight }) => sum + weight, 0)
  const failures = HARD_FAILURES.filter(name => FAILS[name](evidence, policy))
  return {
    verdict: failures.length > 0 ? 'reject' : verdictOf(score, policy),
    score,
    reasons: [...failures, ...signals.map(({ rule }) => rule)],
    signals
  }
}

/**
 * Why an item is not decided on now: how its origin stands, and no hard failure of its own. It may come again.
 * @see specs/federation-policy.md, section 5
 */
export function passingFailure({ reasons }: Decision): PassingFailure | undefined {
  const failures = HARD_FAILURES.filter(name => reasons.includes(name))
  const passing = PASSING_FAILURES.filter(name => reasons.includes(name))
  return failures.length === passing.length ? passing[0] : undefined
}

const verdictOf = (score: number, { accept_from, reject_to }: Policy): Verdict => {
  if (score >= accept_from) return 'accept'
  return score <= reject_to ? 'reject' : 'quarantine'
}

const FAILS: Readonly<Record<HardFailure, (evidence: Evidence, policy: Policy) => boolean>> = {
  bad_signature: ({ signature }) => signature === 'bad',
  revoked_key: ({ signature }) => signature === 'revoked',
  not_allowlisted: ({ standing }) => standing === 'unknown',
  treaty_expired: ({ standing }) => standing === 'expired',
  origin_quarantined: ({ standing }) => standing === 'quarantined',
  too_large: ({ bytes }, { max_bytes }) => bytes > max_bytes
}

function signal(rule: RuleName, { rules }: Policy, evidence: Evidence): PolicySignal[] {
  const said = rules[rule]
  return said !== undefined && RULES[rule].holds(evidence, said) ? [{ rule, weight: said.weight }] : []
}
