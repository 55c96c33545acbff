import { integer, list, object, optional, text } from '../fields.ts'
import { header, json, record, subscription, unary } from '../service.ts'

const seconds = integer(0, Number.MAX_SAFE_INTEGER)
const hub = text(54)
const proof = {
  /** SHA-256 of its line and a line feed, in hex. */
  id: text(64),
  /** The hub that said two things. */
  hub,
  kind: text(32),
  /** When it was found or heard here, in Unix seconds. */
  found: seconds,
  /** When an operator released or removed the hub; absent while the hub is in quarantine for it. */
  decided: optional(seconds)
}

/** Rows of the admin service (0x0003) about cosignatures of the audit log, and proofs that a hub said two things. */
export const witnessAdminOperations = {
  /** Asks all linked hubs that witness this log for a cosignature, now. The body is the checkpoint with those that came. */
  audit_cosign: unary({
    verb: 'admin:audit_cosign',
    writes: true,
    request: header({}),
    answer: record({
      size: seconds,
      cosigned: list(object({ hub, vkey: text(256), at: seconds }), 64),
      refused: list(object({ hub, why: text(256) }), 64)
    })
  }),
  /** The body is the newest checkpoint that another hub has cosigned. `not_found` while there is none. */
  audit_cosigned: unary({
    verb: 'admin:audit_cosigned',
    request: header({}),
    answer: record({ size: seconds, cosigned: list(object({ hub, vkey: text(256), at: seconds }), 64) })
  }),
  /** Forgets all that this hub has seen of the logs of another: the next checkpoint of each is judged as the first. */
  log_forget: unary({
    verb: 'admin:log_forget',
    writes: true,
    request: header({ hub }),
    answer: json({ forgotten: seconds })
  }),
  equivocation_list: subscription({
    verb: 'admin:equivocation_list',
    request: header({}),
    event: json(proof)
  }),
  /** The body is the proof as a line; `id` may be its beginning. */
  equivocation_show: unary({
    verb: 'admin:equivocation_show',
    request: header({ id: text(64) }),
    answer: record(proof)
  })
}
