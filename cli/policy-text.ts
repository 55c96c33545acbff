import type { Decision, DecisionRecord, Evidence, Policy } from '../node/index.ts'
import { dateText } from './moment.ts'
import { facts } from './terminal.ts'
import type { Terminal } from './terminal.ts'

const SECOND_MS = 1000

/** What a policy says, rule by rule; behind what else there is to say of it. */
export function policyText(
  policy: Policy,
  hash: string,
  terminal: Terminal,
  before: readonly (readonly [string, unknown])[] = []
): string {
  const { version, accept_from, reject_to, max_bytes, rules } = policy
  return facts(
    [
      ...before,
      ['version', version],
      ['hash', hash],
      ['accepts', `from ${accept_from}`],
      ['rejects', `down from ${reject_to}, and bodies of more than ${max_bytes} bytes`],
      ...Object.entries(rules)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { weight, ...rest }]) => [name, `${signed(weight)}${said(rest)}`] as const)
    ],
    terminal
  )
}

/** What an answer of `policy_explain` holds. */
export interface Explained {
  readonly evidence: Evidence
  readonly record: DecisionRecord
  readonly policy?: Policy
  readonly again?: Decision
}

/** How an item came to its verdict. */
export function explainedText(
  { evidence, record, policy, again }: Explained,
  { isQuarantined, isSame }: { readonly isQuarantined: boolean; readonly isSame: boolean },
  terminal: Terminal
): string {
  const { decision, score, signals, reasons, policy_version, policy_hash, decided_at } = record
  const rules = new Set<string>(signals.map(({ rule }) => rule))
  return facts(
    [
      ['item', evidence.id],
      ['kind', evidence.number === undefined ? evidence.kind : `${evidence.kind}, number ${evidence.number}`],
      ['origin', `${evidence.origin}, ${evidence.standing}, signature ${evidence.signature}`],
      ['share', evidence.share],
      ['body', `${evidence.bytes} bytes of ${evidence.type}`],
      ['policy', `version ${policy_version}, ${policy_hash}`],
      ...reasons.filter(reason => !rules.has(reason)).map(reason => ['fails', reason] as const),
      ...signals.map(({ rule, weight }) => ['rule', `${signed(weight)} ${rule}`] as const),
      [
        'score',
        policy === undefined
          ? score
          : `${score}; accepted from ${policy.accept_from}, rejected down from ${policy.reject_to}`
      ],
      ['verdict', decision],
      ['decided', dateText(Math.floor(decided_at / SECOND_MS))],
      ['again', againText(again, isSame)],
      ['now', isQuarantined ? 'in quarantine' : '']
    ],
    terminal
  )
}

function againText(again: Decision | undefined, isSame: boolean): string {
  if (again === undefined) return 'its policy is no longer known here'
  return isSame
    ? 'the same, decided once more from what was recorded'
    : `${again.verdict}, score ${again.score}: the record was not made by this policy`
}

const signed = (weight: number): string => (weight < 0 ? String(weight) : `+${weight}`)

function said(rest: object): string {
  const [only] = Object.entries(rest) as [string, unknown][]
  if (only === undefined) return ''
  const [name, value] = only
  return ` ${name} ${Array.isArray(value) ? value.join(', ') : String(value)}`
}
