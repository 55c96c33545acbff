import { type Form, type Forms, ascending, exactly, listOf, oneOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { treatyForms } from '../treaty-forms.ts'
import { type Evidence, ITEM_TYPES } from './evidence.ts'
import type { ItemType } from './evidence.ts'
import { POLICY } from './numbers.ts'

/** What a rule weighs, and what it goes by: the members that its row in the table has. */
export type Rule = {
  readonly weight: number
  readonly types?: readonly ItemType[]
  /** Hub ids. */
  readonly origins?: readonly string[]
  /** Ids of shares, 16 bytes in hex. */
  readonly shares?: readonly string[]
  readonly over?: number
}

interface RuleRow {
  readonly members: Forms
  readonly holds: (evidence: Evidence, rule: Rule) => boolean
}

const listed = <T extends string>(one: Form<T>): Form<readonly T[]> =>
  ascending(listOf(one, POLICY.maxListed, 1))

const weight = whole(-POLICY.maxWeight, POLICY.maxWeight)
const types = listed(oneOf(...ITEM_TYPES))
const origins = listed(forms.hub)
const shares = listed(treatyForms.share.id)
const over = whole(0, POLICY.maxItemBytes)

const isOfOrigins: RuleRow['holds'] = ({ origin }, rule) => rule.origins?.includes(origin) === true
const isOfShares: RuleRow['holds'] = ({ share }, rule) => rule.shares?.includes(share) === true
const isLonger: RuleRow['holds'] = ({ bytes }, rule) => rule.over !== undefined && bytes > rule.over

/** Each rule: what it says beside its weight, and when it holds. @see specs/federation-policy.md, section 2.2 */
export const RULES = {
  directed_item: { members: {}, holds: ({ kind }) => kind === 'mailbox.directed' },
  doubted_origin: { members: { origins }, holds: isOfOrigins },
  doubted_share: { members: { shares }, holds: isOfShares },
  huge_body: { members: { over }, holds: isLonger },
  known_type: { members: { types }, holds: ({ type }, rule) => rule.types?.includes(type) === true },
  large_body: { members: { over }, holds: isLonger },
  shared_item: { members: {}, holds: ({ kind }) => kind === 'mailbox.shared' },
  trusted_origin: { members: { origins }, holds: isOfOrigins },
  trusted_share: { members: { shares }, holds: isOfShares },
  unknown_type: { members: { types }, holds: ({ type }, rule) => rule.types?.includes(type) === false }
} as const satisfies Readonly<Record<string, RuleRow>>

export type RuleName = keyof typeof RULES
/** The rules of a policy, each at most once; one that is not there never holds. */
export type Rules = { readonly [N in RuleName]?: Rule }

/** Ascending, as reasons and signals stand. */
export const RULE_NAMES = Object.keys(RULES).sort() as readonly RuleName[]

export const RULES_FORM: Form<Rules> = exactly(
  {},
  Object.fromEntries(
    Object.entries<RuleRow>(RULES).map(([name, { members }]) => [name, exactly({ weight, ...members })])
  )
)
