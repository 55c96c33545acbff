import { flag, integer, optional, text } from '../fields.ts'
import type { FieldValues } from '../fields.ts'
import { header, headerAndBody, json, record, subscription, unary } from '../service.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER
const kid = integer(1, 0xffff_ffff)
const count = integer(1, MAX_SAFE)
const seconds = integer(0, MAX_SAFE)
const capId = text(32)
/** A list as the caveat language writes it: members divided by commas. */
const list = text(3072)
/** A tenant's UUID or name. */
const tenant = text(63)

const tenantFields = {
  id: text(36),
  name: text(63),
  state: text(16),
  added_at: seconds,
  calls_per_second: count,
  burst: count,
  bytes_per_second: count,
  /** Those with limits of their own: `0x0201 calls/s burst bytes/s`, divided by commas. */
  apps: text(32_768)
}

const capFields = { cap_id: capId, kid, tenant: text(36), verb: list, expires: seconds }

export type TenantRow = FieldValues<typeof tenantFields>
export type CapRow = FieldValues<typeof capFields>

/** Rows of the admin service (0x0003) by which the operator makes, lists and withdraws capabilities. */
export const capabilityAdminOperations = {
  /** The body of the answer is the token's bytes. */
  cap_mint: unary({
    verb: 'admin:cap_mint',
    writes: true,
    request: header({
      verb: list,
      tenant,
      topic: optional(list),
      app: optional(list),
      content: optional(list),
      subject: optional(text(128)),
      peer: optional(text(128)),
      bearer: optional(flag),
      ttl_s: optional(count),
      not_before: optional(seconds),
      renew_until: optional(seconds),
      rate: optional(count),
      streams: optional(count),
      max_bytes: optional(count),
      read_only: optional(flag)
    }),
    answer: record({ cap_id: capId, kid, tenant: text(36), expires: seconds })
  }),
  cap_rotate: unary({
    verb: 'admin:cap_rotate',
    writes: true,
    request: header({ grace_s: optional(integer(0, 366 * 86_400)), break_glass: optional(flag) }),
    /** `grace_until`: when the key before it ends, in Unix seconds; absent when it has ended. */
    answer: json({ kid, previous: kid, grace_until: optional(seconds) })
  }),
  /** A new key for revocations, which the hub key signs: `conflict` while that is not with the node. */
  cap_rotate_revocation: unary({
    verb: 'admin:cap_rotate_revocation',
    writes: true,
    request: header({}),
    answer: json({ epoch: count, key: text(64) })
  }),
  /** Exactly one of `cap_id`, `kid` and `subject`. */
  cap_revoke: unary({
    verb: 'admin:cap_revoke',
    writes: true,
    request: header({
      cap_id: optional(capId),
      kid: optional(kid),
      subject: optional(text(128)),
      reason: optional(text(256))
    }),
    /** `statements`: how many were added; 0 when it had been revoked before. */
    answer: json({ seq: count, statements: integer(0, MAX_SAFE) })
  }),
  /** Whether the token in the body would be good for a call of this kind now. Says nothing of what was spent. */
  cap_verify: unary({
    verb: 'admin:cap_verify',
    request: headerAndBody({
      verb: text(129),
      app: optional(integer(0, 0xffff)),
      topic: optional(text(255)),
      content: optional(text(128)),
      bytes: optional(seconds),
      writes: optional(flag),
      peer: optional(text(128))
    }),
    /** Where it is not: `code`, `reason` and `message` of the answer that the call would get. */
    answer: json({
      allowed: flag,
      code: optional(text(32)),
      reason: optional(text(64)),
      message: optional(text(256))
    })
  }),
  cap_list: subscription({ verb: 'admin:cap_list', request: header({}), event: json(capFields) }),
  tenant_add: unary({
    verb: 'admin:tenant_add',
    writes: true,
    request: header({ name: text(63), id: optional(text(36)) }),
    answer: json(tenantFields)
  }),
  tenant_list: subscription({ verb: 'admin:tenant_list', request: header({}), event: json(tenantFields) }),
  tenant_show: unary({ verb: 'admin:tenant_show', request: header({ tenant }), answer: json(tenantFields) }),
  /** What is missing stays as it is; with `app`, for that app alone; with `reset`, as the configuration says. */
  tenant_limit: unary({
    verb: 'admin:tenant_limit',
    writes: true,
    request: header({
      tenant,
      app: optional(integer(0, 0xffff)),
      calls_per_second: optional(count),
      burst: optional(count),
      bytes_per_second: optional(count),
      reset: optional(flag)
    }),
    answer: json(tenantFields)
  }),
  tenant_remove: unary({
    verb: 'admin:tenant_remove',
    writes: true,
    request: header({ tenant, purge: optional(flag) }),
    answer: json(tenantFields)
  })
}
