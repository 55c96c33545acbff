import { flag, integer, list, matching, oneOf, optional, text } from '../fields.ts'
import type { FieldValues } from '../fields.ts'
import { header, json, record, subscription, unary } from '../service.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)
const hex32 = matching<string>(value => /^[0-9a-f]{64}$/.test(value), '64 hex digits')

const itemFields = {
  /** The federated id, in hex. */
  id: hex32,
  kind: oneOf('mailbox.directed', 'mailbox.shared'),
  /** The hub that signed it. */
  origin: text(54),
  share: text(32),
  /** Of statement and body, as they are kept. */
  bytes: count,
  score: integer(-65_536, 65_536),
  reasons: list(text(64), 64),
  policy_version: count,
  policy_hash: hex32,
  /** Unix time in milliseconds. */
  kept_at: count,
  /** Until then an operator may decide. */
  expires_at: count,
  /** It is released, and not delivered yet. */
  releasing: flag
}

export type QuarantinedItem = FieldValues<typeof itemFields>

const ofItem = header({ id: hex32 })

/** Rows of the admin service (0x0003) about the acceptance policy, and items that wait for the operator. */
export const policyAdminOperations = {
  /** The body is the policy in force, as JSON. `problem`: why the file as it is now does not hold. */
  policy_show: unary({
    verb: 'admin:policy_show',
    request: header({}),
    answer: record({
      version: count,
      policy_hash: hex32,
      source: oneOf('built_in', 'file'),
      file: optional(text(4096)),
      problem: optional(text(4096)),
      items: count,
      bytes: count
    })
  }),
  /**
   * How an item was judged that was not accepted. The body is JSON: `evidence` and `record` as they stand in the audit
   * log; `policy` by which it was judged and `again`, what that one says of the evidence now, where it is still known.
   */
  policy_explain: unary({
    verb: 'admin:policy_explain',
    request: ofItem,
    answer: record({ is_quarantined: flag, is_known_policy: flag, is_same: flag })
  }),
  quarantine_list: subscription({
    verb: 'admin:quarantine_list',
    request: header({}),
    event: json(itemFields)
  }),
  /** Delivers an item as if it had been accepted. */
  quarantine_release: unary({
    verb: 'admin:quarantine_release',
    writes: true,
    request: ofItem,
    answer: json(itemFields)
  }),
  /** Drops an item. */
  quarantine_reject: unary({
    verb: 'admin:quarantine_reject',
    writes: true,
    request: ofItem,
    answer: json(itemFields)
  })
}
