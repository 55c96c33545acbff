import { canonicalJson } from '../canonical.ts'
import { type Form, exactly, oneOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { treatyForms } from '../treaty-forms.ts'
import { POLICY } from './numbers.ts'

/** The kinds of items that are judged. */
export const ITEM_KINDS = ['mailbox.directed', 'mailbox.shared'] as const
/** The types of items that this version knows by name; every other one is `other`. */
export const ITEM_TYPES = ['mailbox.message', 'other'] as const
/** What the hub that judges says of an item's origin. */
export const STANDINGS = ['allowed', 'expired', 'quarantined', 'unknown'] as const
/** What became of the origin's signature. */
export const SIGNATURES = ['bad', 'revoked', 'valid'] as const

export type ItemKind = (typeof ITEM_KINDS)[number]
export type ItemType = (typeof ITEM_TYPES)[number]
export type Standing = (typeof STANDINGS)[number]
export type SignatureVerdict = (typeof SIGNATURES)[number]

/** All that a policy judges an item by. @see specs/federation-policy.md, section 3 */
export type Evidence = {
  readonly kind: ItemKind
  /** The hub id of the hub that signed it. */
  readonly origin: string
  /** The id of the share, 16 bytes in hex. */
  readonly share: string
  /** The federated id, 32 bytes in hex. */
  readonly id: string
  readonly type: ItemType
  /** Of the body. */
  readonly bytes: number
  /** The origin's number of it in its share; a shared item always has one. */
  readonly number?: number
  readonly standing: Standing
  readonly signature: SignatureVerdict
}

const MEMBERS = exactly(
  {
    kind: oneOf(...ITEM_KINDS),
    origin: forms.hub,
    share: treatyForms.share.id,
    id: forms.hex32,
    type: oneOf(...ITEM_TYPES),
    bytes: whole(0, POLICY.maxItemBytes),
    standing: oneOf(...STANDINGS),
    signature: oneOf(...SIGNATURES)
  },
  { number: whole(1) }
)

/** Evidence as it is recorded and read again. */
export const EVIDENCE: Form<Evidence> = (value, path, tell) => {
  const read = MEMBERS(value, path, tell)
  if (read?.kind === 'mailbox.shared' && read.number === undefined)
    return tell(path === '' ? 'number' : `${path}.number`, 'missing')
  return read as Evidence | undefined
}

/** What the audit log records of an item. */
export const evidenceText = (evidence: Evidence): string => canonicalJson(evidence)
