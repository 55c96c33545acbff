import { createHash } from 'node:crypto'
import { OapError, parseJson } from '../../protocols/index.ts'
import { canonicalJson } from '../canonical.ts'
import { type Form, exactly, readForm, whole } from '../form.ts'
import { POLICY } from './numbers.ts'
import { RULES_FORM, type Rules } from './rules.ts'

/** How items are judged. @see specs/federation-policy.md, section 2 */
export type Policy = {
  readonly policy: 1
  /** The operator's own number of it; what identifies a policy is its hash. */
  readonly version: number
  /** Longer bodies are rejected whatever the score. */
  readonly max_bytes: number
  /** A score from here on accepts. */
  readonly accept_from: number
  /** A score down from here rejects; less than `accept_from`. */
  readonly reject_to: number
  /** Their order means nothing. */
  readonly rules: Rules
}

/** What holds where the operator gives no file. */
export const DEFAULT_POLICY: Policy = {
  policy: POLICY.form,
  version: 1,
  max_bytes: 1024 * 1024,
  accept_from: 0,
  reject_to: -20,
  rules: {
    known_type: { weight: 10, types: ['mailbox.message'] },
    large_body: { weight: -25, over: 262_144 },
    unknown_type: { weight: -10, types: ['mailbox.message'] }
  }
}

const score = whole(-POLICY.maxScore, POLICY.maxScore)
const MEMBERS = exactly({
  policy: whole(POLICY.form, POLICY.form),
  version: whole(1, POLICY.maxVersion),
  max_bytes: whole(0, POLICY.maxItemBytes),
  accept_from: score,
  reject_to: score,
  rules: RULES_FORM
})

/** A policy as a value, or all that is wrong with it, by path. */
export const POLICY_FORM: Form<Policy> = (value, path, tell) => {
  const read = MEMBERS(value, path, tell)
  if (typeof read?.reject_to === 'number' && read.reject_to >= read.accept_from)
    return tell(path === '' ? 'reject_to' : `${path}.reject_to`, 'not less than accept_from')
  return read as Policy | undefined
}

/** The policy in a file: one strict JSON object of at most 64 KiB; or all that is wrong with it, by path. */
export function readPolicy(
  bytes: Uint8Array
): { readonly value: Policy } | { readonly problems: readonly string[] } {
  if (bytes.length > POLICY.maxFileBytes) return { problems: [`longer than ${POLICY.maxFileBytes} bytes`] }
  try {
    return readForm(POLICY_FORM, parseJson(bytes, { maxBytes: POLICY.maxFileBytes }))
  } catch (error) {
    if (error instanceof OapError) return { problems: [error.message] }
    throw error
  }
}

/** The canonical text of a policy, of which its hash is made. */
export const policyText = (policy: Policy): string => canonicalJson(policy)

/** SHA-256 of the canonical text, in hex. */
export const policyHash = (policy: Policy): string =>
  createHash('sha256').update(policyText(policy)).digest('hex')
