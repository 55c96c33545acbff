import { flag, integer, list, object, oneOf, optional, text } from '../fields.ts'
import { header, headerAndBody, json, opaque, unary } from '../service.ts'

const seconds = integer(0, Number.MAX_SAFE_INTEGER)
const hub = text(54)
const fingerprint = text(128)
const addresses = list(text(512), 16)

/** A pairing that waits for the operator. */
const waiting = { hub, fingerprint, is_inviter: flag, expires: seconds }

/** Rows of the admin service (0x0003) about links: pairing with another hub, and calls over a link. */
export const linksAdminOperations = {
  /**
   * Opens an invite; one that was open is void. The body is the treaty that the other hub is to get; without one, that
   * of `peer_add`.
   */
  pair_invite: unary({
    verb: 'admin:pair_invite',
    writes: true,
    request: headerAndBody({ ttl_s: optional(integer(1, 900)), addresses: optional(addresses) }),
    answer: json({ code: text(4096), expires: seconds, addresses })
  }),
  /** Uses the invite in `code`: dials its hub and proves knowledge of the secret. The body is as that of `pair_invite`. */
  pair_accept: unary({
    verb: 'admin:pair_accept',
    writes: true,
    request: headerAndBody({ code: text(4096) }),
    answer: json(waiting)
  }),
  /** `invite`: what became of the newest one that this node gave out. */
  pair_state: unary({
    verb: 'admin:pair_state',
    request: header({}),
    answer: json({
      invite: oneOf('none', 'open', 'paired', 'void', 'expired'),
      expires: optional(seconds),
      waiting: list(object(waiting), 16)
    })
  }),
  /** The operator saw this fingerprint at the other hub too: that hub goes on the allowlist. Another ends the pairing. */
  pair_confirm: unary({
    verb: 'admin:pair_confirm',
    writes: true,
    request: header({ hub, fingerprint }),
    answer: json({ hub })
  }),
  /** Ends a pairing that waits; without a hub, takes the open invite back. */
  pair_decline: unary({
    verb: 'admin:pair_decline',
    writes: true,
    request: header({ hub: optional(hub) }),
    answer: json({})
  }),
  /** Has the hub key, where it lies open beside the node, say that a public key (hex) signs for the hub no more. */
  key_revoke: unary({
    verb: 'admin:key_revoke',
    writes: true,
    request: header({ key: text(64), reason: text(256) }),
    answer: json({ at: seconds, hub, key: text(64), reason: text(256) })
  }),
  /**
   * Has the node call an operation of a linked hub, as that hub's treaty with this one allows it. The body is the payload
   * of the request's START, the answer the whole payload of the other hub's answer, at most 8 MiB; what it refuses with
   * is the answer as it stands. Nothing is streamed, no capability goes along, and apps 0, 3 and 0x0501 are not called.
   */
  relay: unary({
    verb: 'admin:relay',
    writes: true,
    request: headerAndBody({ hub, app: integer(1, 0xffff) }),
    answer: opaque
  })
}
